"""Routes of `/rest-api/v1`: activities, participants, activity types, users."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Query, Schema, Status
from ninja.errors import AuthenticationError, ValidationError

from samklang import __version__
from samklang.accounts.models import User
from samklang.activities import queries, services
from samklang.activities.errors import NotAllowed, NotThere, Outdated, Refused
from samklang.activities.models import Activity, ActivityType, Participant
from samklang.activities.types import change_type
from samklang.clock import now
from samklang.engine import times
from samklang.engine.model import Category
from samklang.web.api import TokenAuth
from samklang.web.severa_api import shape
from samklang.web.severa_api.problems import SeveraError, invalid

T = TypeVar("T")

#: Rows of a page: default and most (Severa facts §1.3).
_ROWS, _MOST_ROWS = 20, 100
#: Occurrences are listed this far when no end is asked for.
_HORIZON = timedelta(days=730)

api = NinjaAPI(
    title="Samklang activities", version=__version__, docs_url=None, auth=[TokenAuth()], urls_namespace="severa"
)


def _answer(request: HttpRequest, error: SeveraError) -> HttpResponse:
    return api.create_response(request, error.body(), status=error.status)


@api.exception_handler(SeveraError)
def _severa(request: HttpRequest, error: SeveraError) -> HttpResponse:
    return _answer(request, error)


@api.exception_handler(AuthenticationError)
def _unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _answer(request, SeveraError(401, "AuthenticationRequired", "Send a personal access token as Bearer."))


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first: dict[str, Any] = dict(error.errors[0]) if error.errors else {}
    place = ".".join(map(str, first.get("loc", ())))
    return _answer(request, invalid(400, str(first.get("msg", "invalid")), "UriParameter", place))


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    if isinstance(refused, NotThere):
        return _answer(request, invalid(404, str(refused), "PathParameter", "guid"))
    if isinstance(refused, NotAllowed):
        return _answer(request, SeveraError(403, "PermissionDenied", str(refused)))
    if isinstance(refused, Outdated):
        return _answer(request, SeveraError(409, "InvalidOperation", str(refused)))
    return _answer(request, SeveraError(400, "InvalidOperation", str(refused), "RequestBody", refused.code))


class Page(Schema):
    pageToken: str | None = None  # noqa: N815
    rowCount: int = _ROWS  # noqa: N815


class Filters(Page):
    """Filters of the list, as Severa names them."""

    startDateTime: datetime | None = None  # noqa: N815
    endDateTime: datetime | None = None  # noqa: N815
    changedSince: datetime | None = None  # noqa: N815
    userGuids: list[UUID] = Field(default_factory=list)  # noqa: N815
    includeAsMember: bool = False  # noqa: N815
    recurrenceType: Literal["None", "Occurrence", "Exception", "Series"] | None = None  # noqa: N815
    activityTypeGuids: list[UUID] = Field(default_factory=list)  # noqa: N815
    activityCategories: list[Category] = Field(default_factory=list)  # noqa: N815
    closed: bool | None = None


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@api.get("/activities", response=list[dict[str, Any]])
def list_activities(request: HttpRequest, response: HttpResponse, filters: Query[Filters]) -> Any:
    """Series masters come only when asked for with `recurrenceType=Series` (Severa facts §1.8)."""
    user = _user(request)
    found = [shown for shown in _listed(user, filters) if _kind_wanted(shown, filters.recurrenceType)]
    found.sort(key=lambda s: (times.start_of(s.when, user.zone), s.activity.psa_id, str(s.day)))
    page = _paged(response, found, filters.rowCount, filters.pageToken)
    return [shape.activity_json(shown, user) for shown in page]


def _listed(user: User, filters: Filters) -> Iterable[queries.Shown]:
    rows = Activity.objects.visible_to(user).whole()
    if filters.userGuids:
        people = User.objects.of(user.organization).filter(guid__in=filters.userGuids)
        mine = rows.filter(owner__in=people)
        if filters.includeAsMember:
            members = Participant.objects.filter(user__in=people).values("activity_id")
            mine = mine | rows.filter(pk__in=members)
        rows = mine
    if filters.changedSince:
        rows = rows.filter(modified__gte=shape.instant(filters.changedSince, user, "changedSince"))
    if filters.activityTypeGuids:
        rows = rows.filter(type__guid__in=filters.activityTypeGuids)
    if filters.activityCategories:
        rows = rows.filter(type__category__in=filters.activityCategories)
    if filters.closed is not None:
        rows = rows.filter(closed=filters.closed)
    start = shape.instant(filters.startDateTime, user, "startDateTime") if filters.startDateTime else None
    end = shape.instant(filters.endDateTime, user, "endDateTime") if filters.endDateTime else None
    if start:
        rows = rows.filter(Q(over=None) | Q(over__gte=start))
    if end:
        rows = rows.filter(opens__lte=end)
    tells = filters.activityTypeGuids or filters.activityCategories or filters.closed is not None
    for activity in rows:
        if not (tells and queries.shown(user, activity).masked):  # being found by its type would tell it (rule 1.8)
            yield from _within(user, activity, start, end, filters.recurrenceType)


def _within(
    user: User, activity: Activity, start: datetime | None, end: datetime | None, kind: str | None
) -> Iterable[queries.Shown]:
    whole = queries.shown(user, activity)
    if activity.is_series and kind != "Series":
        first = start or times.start_of(whole.when, user.zone)
        yield from queries.occurrences(user, activity, first, end or max(first, now()) + _HORIZON)
    else:
        yield whole


def _kind_wanted(shown: queries.Shown, kind: str | None) -> bool:
    if kind is None:
        return not shown.activity.is_series or shown.day is not None
    if not shown.activity.is_series:
        return kind == "None"
    if shown.day is None:
        return kind == "Series"
    return kind == ("Exception" if shown.changed else "Occurrence")


def _paged(response: HttpResponse, found: Sequence[Any], rows: int, token: str | None) -> Sequence[Any]:
    """One page; the next page's token goes into the header `NextPageToken` (Severa facts §1.3)."""
    if not 1 <= rows <= _MOST_ROWS:
        raise invalid(400, f"rowCount is a number from 1 to {_MOST_ROWS}", "UriParameter", "rowCount")
    try:
        first = max(0, int(urlsafe_b64decode(token))) if token else 0
    except ValueError:
        raise invalid(400, "pageToken is not one of ours", "UriParameter", "pageToken") from None
    if first + rows < len(found):
        response.headers["NextPageToken"] = urlsafe_b64encode(str(first + rows).encode()).decode()
    return found[first : first + rows]


@api.post("/activities", response={201: dict[str, Any]})
def create_activity(request: HttpRequest) -> Any:
    user, body = _user(request), _body(request, dict)
    for name in ("name", "startDateTime", "activityType", "ownerUser"):
        if body.get(name) is None:
            raise invalid(400, f"{name} is required", "RequestBody", name)
    changes = shape.changes_of(body, user, None)
    activity = services.create(user, **changes)
    return Status(201, _whole(user, activity.guid))


@api.get("/activities/{guid}", response=dict[str, Any])
def get_activity(request: HttpRequest, guid: str) -> Any:
    return shape.activity_json(_found(_user(request), guid), _user(request))


@api.patch("/activities/{guid}", response=list[dict[str, Any]])
def patch_activity(request: HttpRequest, guid: str) -> Any:
    """JSON Patch by *replace* (Severa facts §1.7); several ids, comma separated, are patched alike."""
    user, replaced = _user(request), _replaced(_body(request, list))
    return [_patch(user, one.strip(), replaced) for one in guid.split(",")]


def _patch(user: User, guid: str, replaced: dict[str, Any]) -> dict[str, Any]:
    old = _found(user, guid)
    changes = shape.changes_of(replaced, user, old)
    if old.day is None:
        services.update(user, old.activity.guid, **changes)
    else:
        own = services.OccurrenceChanges.__annotations__.keys()
        unfit = changes.keys() - own - {"has_duration"}
        if unfit:
            raise invalid(400, "An occurrence has only name, times, location and notes of its own", "RequestBody")
        values: Any = {name: value for name, value in changes.items() if name in own}
        services.update_occurrence(user, old.activity.guid, old.day, **values)
    return shape.activity_json(_found(user, guid), user)


def _replaced(operations: list[Any]) -> dict[str, Any]:
    """The replaced fields as a nested object; "/x/guid" becomes {"x": {"guid": …}}."""
    fields: dict[str, Any] = {}
    for operation in operations:
        if not isinstance(operation, dict) or str(operation.get("op", "")).lower() != "replace":
            raise invalid(400, "Only Replace is supported", "RequestBody", "op")
        path = [part for part in str(operation.get("path", "")).split("/") if part]
        if not path:
            raise invalid(400, "path names a field, such as /name", "RequestBody", "path")
        value = operation.get("value")
        for part in reversed(path[1:]):
            value = {part: value}
        known = fields.get(path[0])
        fields[path[0]] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return fields


@api.delete("/activities/{guid}", response={204: None})
def delete_activity(request: HttpRequest, guid: str) -> Any:
    user = _user(request)
    seen = _found(user, guid)
    if seen.day is None:
        services.trash(user, seen.activity.guid)
    else:
        services.cancel_occurrence(user, seen.activity.guid, seen.day)
    return Status(204, None)


@api.delete("/activities/{guid}/exceptions", response={204: None})
def reset_exceptions(request: HttpRequest, guid: str) -> Any:
    seen = _found(_user(request), guid)
    if not seen.activity.is_series:
        raise invalid(404, "The activity does not recur", "PathParameter", "guid")
    services.reset_occurrences(_user(request), seen.activity.guid)
    return Status(204, None)


@api.get("/activities/{guid}/activityparticipants", response=list[dict[str, Any]])
def list_participants(request: HttpRequest, guid: str) -> Any:
    seen = _found(_user(request), guid)
    people = () if seen.masked else seen.activity.participants.all()
    return [shape.participant_json(p, seen.activity) for p in people]


@api.post("/activityparticipants", response={201: dict[str, Any]})
def add_participant(request: HttpRequest) -> Any:
    user, body = _user(request), _body(request, dict)
    activity = _found(user, str(body.get("activityGuid") or "")).activity
    wanted = str(body.get("participantGuid") or "").lower()
    colleague = next((u for u in User.objects.of(user.organization).active() if u.psa_id == wanted), None)
    if colleague is None:
        raise invalid(400, "There is no such active user", "RequestBody", "participantGuid")
    if colleague.pk == activity.owner_id:
        raise invalid(400, "The owner is no participant of his own activity", "RequestBody", "participantGuid")
    guests = [*_guests(activity), services.Guest(user=colleague, status=Participant.Status.INVITED)]
    services.update(user, activity.guid, participants=guests)
    added = Participant.objects.select_related("user").get(activity=activity, user=colleague)
    return Status(201, shape.participant_json(added, activity))


@api.delete("/activities/{guid}/activityparticipants/{participant}", response={204: None})
def remove_participant(request: HttpRequest, guid: str, participant: str) -> Any:
    user = _user(request)
    activity = _found(user, guid).activity
    there = list(activity.participants.all())
    leaving = next((p for p in there if str(p.guid) == participant), None)
    if leaving is None:
        raise invalid(404, "Resource not found", "PathParameter", "activityParticipantGuid")
    if leaving.user_id == user.pk:
        services.leave(user, activity.guid)
    else:
        services.update(user, activity.guid, participants=_guests(activity, without=leaving))
    return Status(204, None)


def _guests(activity: Activity, without: Participant | None = None) -> list[services.Guest]:
    return [services.Guest.of(p) for p in activity.participants.all() if p != without]


@api.get("/activitytypes", response=list[dict[str, Any]])
def list_types(request: HttpRequest, response: HttpResponse, page: Query[Page], active: bool | None = None) -> Any:
    types = ActivityType.objects.of(_user(request).organization).order_by("pk")
    if active is not None:
        types = types.filter(is_active=active)
    return [shape.type_json(t) for t in _paged(response, list(types), page.rowCount, page.pageToken)]


@api.patch("/activitytypes/{guid}", response=dict[str, Any])
def patch_type(request: HttpRequest, guid: str) -> Any:
    """Name, isActive and isDefault, by an administrator."""
    user, replaced = _user(request), _replaced(_body(request, list))
    if not user.is_administrator:
        raise SeveraError(403, "PermissionDenied", "Only an administrator may change activity types.")
    type_ = next((t for t in ActivityType.objects.of(user.organization) if str(t.guid) == guid.lower()), None)
    if type_ is None:
        raise invalid(404, "Resource not found", "PathParameter", "guid")
    change_type(type_, by=user, **shape.type_changes(replaced))
    return shape.type_json(type_)


@api.get("/users", response=list[dict[str, Any]])
def list_users(request: HttpRequest, response: HttpResponse, page: Query[Page], email: str | None = None) -> Any:
    people = User.objects.of(_user(request).organization).order_by("pk")
    if email:
        people = people.with_address(email)
    return [shape.user_json(u) for u in _paged(response, list(people), page.rowCount, page.pageToken)]


def _found(user: User, guid: str) -> queries.Shown:
    """The activity, or the occurrence named by its guid. Raises 404."""
    head, day = shape.split_guid(guid)
    activity = queries.find(user, head)
    if day is None:
        return queries.shown(user, activity)
    found = queries.occurrence(user, activity, day)
    if found is None:
        raise invalid(404, "Resource not found", "PathParameter", "guid")
    return found


def _whole(user: User, guid: Any) -> dict[str, Any]:
    return shape.activity_json(queries.shown(user, queries.find(user, guid)), user)


def _body(request: HttpRequest, kind: type[T]) -> T:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise invalid(400, "The body is not JSON", "RequestBody") from None
    if not isinstance(body, kind):
        raise invalid(400, f"The body is a JSON {'object' if kind is dict else 'array'}", "RequestBody")
    return body
