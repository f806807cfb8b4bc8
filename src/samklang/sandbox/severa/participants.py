"""Severa's routes of participants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from samklang.sandbox.severa import acts, patch
from samklang.sandbox.severa.activities import actor_of
from samklang.sandbox.severa.call import Answer, Call, NotFoundError, invalid
from samklang.sandbox.severa.model import Contact, Kind, Participant, Status, User
from samklang.sandbox.severa.service import Severa, base
from samklang.sandbox.severa.wire import Wire

Parts = Mapping[str, str]


class _Sent(msgspec.Struct, kw_only=True, rename="camel"):
    activity_guid: str
    participant_guid: str
    type: Kind | None = None
    status: Status | None = None


def of_activity(severa: Severa, call: Call, parts: Parts) -> Answer:
    target = severa.target(parts["activity"], call.org)
    wire = Wire(severa)
    return Answer(200, [wire.participant(row, target.guid) for row in severa.participants(base(target))])


def get(severa: Severa, call: Call, parts: Parts) -> Answer:
    return Answer(200, Wire(severa).participant(_row(severa, call, parts)))


def add(severa: Severa, call: Call, parts: Parts) -> Answer:
    """A user or a contact; others cannot be named by a guid."""
    try:
        sent = msgspec.convert(call.body(), _Sent)
    except msgspec.ValidationError as error:
        raise invalid(f"{error}.", "body") from error
    target = severa.target(sent.activity_guid, call.org)
    kind, who = _known(severa, call.org, sent.participant_guid)
    if sent.type not in (None, kind):
        raise invalid(f"The participant is no {sent.type}.", "type")
    made = acts.add_participant(severa, actor_of(call), target, kind, who, status=sent.status or "Invited")
    return Answer(201, Wire(severa).participant(made))


def _known(severa: Severa, organization: str, guid: str) -> tuple[Kind, str]:
    user = severa.records.get(User, guid, organization)
    if user is not None and user.active:
        return "User", user.guid
    contact = severa.records.get(Contact, guid, organization)
    if contact is not None and contact.active:
        return "Contact", contact.guid
    raise invalid("There is no such active user or contact.", "participantGuid")


def update(severa: Severa, call: Call, parts: Parts) -> Answer:
    """`isConfirmed` alone, says the document, though the model shows `status` (Severa facts §1.8)."""
    row, chosen = _row(severa, call, parts), severa.settings
    document: dict[str, Any] = {"isConfirmed": row.status == "Accepted"}
    if chosen.status_writable:
        document["status"] = row.status
    replaced = patch.replaced(document, call.body(), chosen)
    status = replaced.get("status", row.status)
    if replaced["isConfirmed"] != document["isConfirmed"]:
        status = "Accepted" if str(replaced["isConfirmed"]).lower() == "true" else "Invited"
    if status not in get_args(Status):
        raise invalid(f"status has no value {status!r}.", "status")
    return Answer(200, [Wire(severa).participant(acts.set_status(severa, actor_of(call), row, status))])


def remove(severa: Severa, call: Call, parts: Parts) -> Answer:
    target = severa.target(parts["activity"], call.org)
    acts.remove_participant(severa, actor_of(call), target, parts["guid"])
    return Answer(204)


def _row(severa: Severa, call: Call, parts: Parts) -> Participant:
    found = severa.records.get(Participant, parts["guid"], call.org)
    if found is None:
        raise NotFoundError
    return found
