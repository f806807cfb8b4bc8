"""Activities: list, read, create, patch, delete; the exceptions of a series (Severa facts §1.8)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from samklang.accounts.programs import Actor
from samklang.activities import queries, services
from samklang.activities.errors import Refused
from samklang.web.severa_api import meaning, shape
from samklang.web.severa_api.bodies import body_of, replaced
from samklang.web.severa_api.caller import Allowed, caller
from samklang.web.severa_api.listing import Filters, listed
from samklang.web.severa_api.paging import of_keyed
from samklang.web.severa_api.problems import SeveraError, as_severa_error, invalid

router = Router()
READ, WRITE, DELETE = Allowed("activities:read"), Allowed("activities:write"), Allowed("activities:delete")


@router.get("/activities", response=list[dict[str, Any]], auth=READ)
def list_activities(request: HttpRequest, response: HttpResponse, filters: Query[Filters]) -> Any:
    """Series masters come only when asked for with `recurrenceType=Series`."""
    who = caller(request)
    return [shape.activity_json(shown, who) for shown in of_keyed(response, listed(who, filters), filters)]


@router.post("/activities", response={201: dict[str, Any]}, auth=WRITE)
def create_activity(request: HttpRequest) -> Any:
    who, body = caller(request), body_of(request, dict)
    for name in ("name", "startDateTime", "activityType", "ownerUser"):
        if body.get(name) is None:
            raise invalid(400, f"{name} is required", "RequestBody", name)
    made = services.create(who, **meaning.changes_of(body, who, None))
    return Status(201, shape.activity_json(queries.shown(who, queries.find(who, made.guid)), who))


@router.get("/activities/{guid}", response=dict[str, Any], auth=READ)
def get_activity(request: HttpRequest, guid: str) -> Any:
    return shape.activity_json(found(caller(request), guid), caller(request))


@router.patch("/activities/{guid}", response=Any, auth=WRITE)
def patch_activity(request: HttpRequest, guid: str) -> Any:
    """Several ids, comma separated, are patched alike: each for itself, and the answer says which were not.

    One id is answered with the array the document names; for several it says no more than "list of succeeded
    activities and list of errors" (Severa facts §1.7).
    """
    who, values = caller(request), replaced(request)
    if "," not in guid:
        return [_patch(who, guid.strip(), values)]
    done, errors = [], []
    for one in filter(None, (part.strip() for part in guid.split(","))):
        try:
            done.append(_patch(who, one, values))
        except (SeveraError, Refused) as error:
            errors.append(as_severa_error(error, identifier=one).body())
    return {"succeeded": done, "errors": errors}


def _patch(who: Actor, guid: str, values: dict[str, Any]) -> dict[str, Any]:
    old = found(who, guid)
    changes = meaning.changes_of(values, who, old)
    if old.day is None:
        services.update(who, old.activity.guid, **changes)
    else:
        own = services.OccurrenceChanges.__annotations__.keys()
        unfit = changes.keys() - own - {"has_duration"}
        if unfit:
            raise invalid(400, "An occurrence has only name, times, location and notes of its own", "RequestBody")
        its: Any = {name: value for name, value in changes.items() if name in own}
        services.update_occurrence(who, old.activity.guid, old.day, **its)
    return shape.activity_json(found(who, guid), who)


@router.delete("/activities/{guid}", response={204: None}, auth=DELETE)
def delete_activity(request: HttpRequest, guid: str) -> Any:
    """Into the trash, from where its owner can take it back; with an occurrence's guid that one is cancelled."""
    who = caller(request)
    seen = found(who, guid)
    if seen.day is None:
        services.trash(who, seen.activity.guid)
    else:
        services.cancel_occurrence(who, seen.activity.guid, seen.day)
    return Status(204, None)


@router.delete("/activities/{guid}/exceptions", response={204: None}, auth=DELETE)
def reset_exceptions(request: HttpRequest, guid: str) -> Any:
    seen = found(caller(request), guid)
    if not seen.activity.is_series:
        raise invalid(404, "The activity does not recur", "PathParameter", "guid")
    services.reset_occurrences(caller(request), seen.activity.guid)
    return Status(204, None)


def found(who: Actor, guid: str) -> queries.Shown:
    """The activity, or the occurrence named by its guid. Raises 404."""
    head, day = shape.split_guid(guid)
    activity = queries.find(who, head)
    if day is None:
        return queries.shown(who, activity)
    seen = queries.occurrence(who, activity, day)
    if seen is None:
        raise invalid(404, "Resource not found", "PathParameter", "guid")
    return seen
