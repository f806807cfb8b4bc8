"""Who takes part in an activity (Severa facts §1.8, ActivityParticipantModel)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from samklang.accounts.programs import Actor
from samklang.activities import queries, services
from samklang.activities.models import Activity, Participant
from samklang.activities.services import Guest
from samklang.web.severa_api import meaning, shape
from samklang.web.severa_api.activities import DELETE, READ, WRITE, found
from samklang.web.severa_api.bodies import body_of, replaced
from samklang.web.severa_api.caller import caller
from samklang.web.severa_api.problems import invalid

router = Router()


@router.get("/activities/{guid}/activityparticipants", response=list[dict[str, Any]], auth=READ)
def list_participants(request: HttpRequest, guid: str) -> Any:
    seen = found(caller(request), guid)
    people = () if seen.masked else seen.activity.participants.all()
    return [shape.participant_json(one, seen.activity) for one in people]


@router.get("/activityparticipants/{guid}", response=dict[str, Any], auth=READ)
def get_participant(request: HttpRequest, guid: str) -> Any:
    there, activity = _participant(caller(request), guid)
    return shape.participant_json(there, activity)


@router.post("/activityparticipants", response={201: dict[str, Any]}, auth=WRITE)
def add_participant(request: HttpRequest) -> Any:
    """A colleague, by his guid: whoever is known by an address alone cannot be named (Severa facts §1.8)."""
    who, body = caller(request), body_of(request, dict)
    activity = found(who, str(body.get("activityGuid") or "")).activity
    colleague = meaning.the_user(str(body.get("participantGuid") or ""), who, "participantGuid")
    if colleague.pk == activity.owner_id:
        raise invalid(400, "The owner is no participant of his own activity", "RequestBody", "participantGuid")
    status = _status(body.get("status") or Participant.Status.INVITED)
    others = _guests(row for row in activity.participants.all() if row.user_id != colleague.pk)
    services.update(who, activity.guid, participants=[*others, Guest(user=colleague, status=status)])
    added = Participant.objects.select_related("user").get(activity=activity, user=colleague)
    return Status(201, shape.participant_json(added, activity))


@router.patch("/activityparticipants/{guid}", response=list[dict[str, Any]], auth=WRITE)
def patch_participant(request: HttpRequest, guid: str) -> Any:
    """ "Only IsConfirmed property can be updated", which says whether he comes."""
    who, values = caller(request), replaced(request)
    there, activity = _participant(who, guid)
    folded = {name.lower(): value for name, value in values.items()}
    confirmed = folded.pop("isconfirmed", None)
    if folded or str(confirmed).lower() not in ("true", "false"):
        raise invalid(400, "Only isConfirmed can be updated: true or false", "RequestBody", "isConfirmed")
    status = Participant.Status.ACCEPTED if str(confirmed).lower() == "true" else Participant.Status.DECLINED
    if who.person is not None and there.user_id == who.pk:
        services.respond(who.person, activity.guid, status)
    else:
        others = _guests(row for row in activity.participants.all() if row != there)
        guests = [*others, replace(Guest.of(there), status=status)]
        services.update(who, activity.guid, participants=guests)
    there, activity = _participant(who, guid)
    return [shape.participant_json(there, activity)]


@router.delete("/activities/{guid}/activityparticipants/{participant}", response={204: None}, auth=DELETE)
def remove_participant(request: HttpRequest, guid: str, participant: str) -> Any:
    who = caller(request)
    seen = found(who, guid)
    if seen.day is not None:
        raise invalid(400, "An occurrence has the participants of its series here", "PathParameter", "activityGuid")
    there = list(seen.activity.participants.all())
    leaving = next((one for one in there if str(one.guid) == participant.lower()), None)
    if leaving is None or seen.masked:
        raise invalid(404, "Resource not found", "PathParameter", "activityParticipantGuid")
    if who.person is not None and leaving.user_id == who.pk:
        services.leave(who.person, seen.activity.guid)
    else:
        services.update(who, seen.activity.guid, participants=_guests(one for one in there if one != leaving))
    return Status(204, None)


def _participant(who: Actor, guid: str) -> tuple[Participant, Activity]:
    """Who takes part, and in what; nobody takes part in what the caller may not read. Raises 404."""
    missing = invalid(404, "Resource not found", "PathParameter", "guid")
    try:
        rows = Participant.objects.filter(guid=UUID(guid), activity__organization=who.organization_id)
    except ValueError:
        raise missing from None
    there = rows.select_related("user", "activity").first()
    if there is None:
        raise missing
    seen = queries.shown(who, queries.find(who, there.activity.guid))
    if seen.masked:
        raise missing
    return there, seen.activity


def _status(value: Any) -> Participant.Status:
    try:
        return Participant.Status(value)
    except ValueError:
        known = ", ".join(Participant.Status.values)
        raise invalid(400, f"status is one of {known}", "RequestBody", "status") from None


def _guests(rows: Iterable[Participant]) -> list[Guest]:
    return [Guest.of(row) for row in rows]
