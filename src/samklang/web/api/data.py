"""`/api/me/export` and `/api/…/erase`: a person's data, to take along and to be erased (rule 12.2)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from samklang.accounts.models import User
from samklang.acts import data
from samklang.web.api import Problem, api
from samklang.web.api.me import administrator, user_of

router = Router(tags=["data"])


class Erase(Schema):
    #: The e-mail address of whose data is erased, typed again.
    confirm: str
    #: The account and the activities, too; else only what is remembered of the synchronization.
    everything: bool = False


@router.get("/me/export")
def get_export(request: HttpRequest, format: str = "zip") -> HttpResponse:
    """All that is kept of oneself, in clear: a zip file, or with `format=json` one document."""
    user = user_of(request)
    if format == "json":
        return api.create_response(request, data.everything(user))
    answer = HttpResponse(data.archive(user), content_type="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="samklang.zip"'
    return answer


@router.post("/me/erase", response={200: dict[str, Any]})
def post_erase(request: HttpRequest, body: Erase) -> Status[dict[str, Any]]:
    """Erase one's own synchronization data, or everything. Both calendars stay as they are."""
    return _erase(user_of(request), body, by=user_of(request))


@router.post("/users/{user_id}/erase", response={200: dict[str, Any]})
def post_erase_user(request: HttpRequest, user_id: str, body: Erase) -> Status[dict[str, Any]]:
    """An administrator erases somebody who has left the organization."""
    return _erase(of_organization(request, user_id), body, by=user_of(request))


def of_organization(request: HttpRequest, user_id: str) -> User:
    """A user of the administrator's own organization. Raises Problem: 403, 404."""
    reader = administrator(request, "Only an administrator can do this.")
    found = next((one for one in User.objects.of(reader.organization) if str(one.guid) == user_id), None)
    if found is None:
        raise Problem(404, "not_found")
    return found


def _erase(user: User, body: Erase, by: User) -> Status[dict[str, Any]]:
    if body.confirm.strip().casefold() != user.email:
        raise Problem(422, "not_confirmed", "Type the e-mail address of whose data is to be erased.")
    if body.everything:
        return Status(200, {"erased": "everything", **data.erase_everything(user, by=by)})
    data.erase_synchronization(user, by=by)
    return Status(200, {"erased": "synchronization"})


api.add_router("", router)
