"""The people around one mailbox of the sandbox, for the contract of meetings."""

from __future__ import annotations

from datetime import date
from typing import Any

from samklang.engine.model import Entry
from samklang.engine.model import Person as Attendee
from samklang.sync.ports import Calendar
from tests.contract.meetings import BOB, XENIA, MeetingSide, as_attendees
from tests.contract.person import Person, as_fields
from tests.sandbox_client import Sandbox


def surrounded(sandbox: Sandbox, address: str, port: Calendar, *, can_be_silent: bool) -> MeetingSide:
    """`address`'s calendar as `port`, Bob beside her and Xenia outside."""
    alice, others = Person(sandbox, address), _Others(sandbox, address)
    return MeetingSide(
        port=port,
        calls=others.calls,
        invites=others.invites,
        changes=others.changes,
        cancels=others.cancels,
        deletes_date=alice.deletes_date,
        bob_answers=others.bob_answers,
        edits=alice.edits,
        heard=others.heard,
        mailed=lambda: [(mail["kind"], mail["recipient"]) for mail in sandbox.mails()],
        writes=lambda: sum(alice.writes().values()),
        can_be_silent=can_be_silent,
    )


class _Others:
    def __init__(self, sandbox: Sandbox, user: str) -> None:
        self._sandbox, self._user = sandbox, user
        self._meeting = ""
        for person in (BOB, XENIA):
            sandbox.mailbox(person.address, zone="Europe/Stockholm")

    def calls(self, entry: Entry, attendees: tuple[Attendee, ...]) -> str:
        fields = as_fields(entry) | {"attendees": as_attendees(attendees)}
        return str(self._sandbox.person_creates(self._user, send="all", **fields)["id"])

    def invites(self, entry: Entry) -> str:
        fields = as_fields(entry) | {"attendees": [{"address": self._user}]}
        made = self._sandbox.person_creates(XENIA.address, send="all", **fields)
        self._meeting = made["id"]
        return str(self._sandbox.invitation(self._user, made["uid"])["id"])

    def changes(self, day: date | None, title: str) -> None:
        self._sandbox.person_edits(XENIA.address, self._meeting, day, send="all", subject=title)

    def cancels(self, day: date | None) -> None:
        self._sandbox.person_deletes(XENIA.address, self._meeting, day, send="all")

    def bob_answers(self, response: str) -> None:
        (copy,) = self._sandbox.entries(BOB.address)
        self._sandbox.person_answers(BOB.address, copy["id"], response)

    def heard(self) -> str:
        held: list[dict[str, Any]] = [
            *self._sandbox.entries(XENIA.address),
            *self._sandbox.entries(XENIA.address, folder="deleteditems"),
        ]
        (meeting,) = held
        (attendee,) = meeting["attendees"]
        return str(attendee["response"])
