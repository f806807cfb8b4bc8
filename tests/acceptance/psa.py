"""The PSA of the cases: what its people do there, and what they see. Activities are told in Severa's names (the public
document), whichever PSA it is; times as wall clock of the user or with an offset."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from django.test import Client

from tests.installation import PASSWORD, Installation, User

if TYPE_CHECKING:
    from tests.acceptance.people import Person

Activity = dict[str, Any]


class Psa(Protocol):
    """Refusals are `ApiRefused`. `on`: one date of a series, by its original date."""

    #: A type that one of type "Meeting" can be given.
    another_type: str
    #: Severa, which differs from our own calendar where its REST API does not say how.
    is_severa: bool

    def takes_in(self, email: str, name: str, zone: str) -> None:
        """Somebody has come to the company."""

    def begins(self) -> None:
        """Its first people and its connection to Exchange are there: from now on activities are here."""

    def knows(self, person: Person) -> tuple[str, dict[str, str]]:
        """A person's guid here, and the guids of the activity types by name."""

    def creates(self, person: Person, activity: Activity) -> str: ...

    def replaces(self, person: Person, guid: str, on: date | None, fields: Activity) -> None: ...

    def deletes(self, person: Person, guid: str, on: date | None) -> None: ...

    def adds(self, person: Person, guid: str, colleague: Person) -> None: ...

    def removes(self, person: Person, guid: str, email: str) -> None: ...

    def answers(self, person: Person, guid: str, answer: str) -> None: ...

    def holds(self, *addresses: str) -> set[str]:
        """Those of them who can take part in an activity."""

    def activity(self, person: Person, guid: str, on: date | None) -> Activity: ...

    def activities(self, person: Person, **filters: Any) -> list[Activity]: ...

    def participants(self, person: Person, guid: str) -> list[dict[str, Any]]: ...

    def changes_type(self, person: Person, name: str, fields: dict[str, bool]) -> None: ...

    def ticks(self, *names: str) -> None:
        """An administrator chooses the types that go out."""

    def lets_time_pass(self) -> None:
        """As long as Samklang may need to hear of all that was done here."""

    def writes(self) -> int:
        """Programs' writes since counts were set to zero, as this PSA counted them; 0 where nobody but us could."""


class BuiltIn:
    """Samklang's own calendar: over its REST API, with each person's own token."""

    another_type = "To-do"
    is_severa = False

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def takes_in(self, email: str, name: str, zone: str) -> None:
        pass

    def begins(self) -> None:
        pass

    def _as(self, person: Person) -> User:
        return person

    def knows(self, person: Person) -> tuple[str, dict[str, str]]:
        types = {one["name"]: one["guid"] for one in self._as(person).pages("/rest-api/v1/activitytypes")}
        return str(self._as(person).ask("GET", "/rest-api/v1/users", email=person.email)[0]["guid"]), types

    def creates(self, person: Person, activity: Activity) -> str:
        return str(self._as(person).ask("POST", "/rest-api/v1/activities", activity)["guid"])

    def replaces(self, person: Person, guid: str, on: date | None, fields: Activity) -> None:
        self._as(person).ask("PATCH", f"/rest-api/v1/activities/{_named(guid, on)}", _patch(fields))

    def deletes(self, person: Person, guid: str, on: date | None) -> None:
        self._as(person).ask("DELETE", f"/rest-api/v1/activities/{_named(guid, on)}")

    def adds(self, person: Person, guid: str, colleague: Person) -> None:
        body = {"activityGuid": guid, "participantGuid": colleague.guid}
        self._as(person).ask("POST", "/rest-api/v1/activityparticipants", body)

    def removes(self, person: Person, guid: str, email: str) -> None:
        (leaving,) = [one for one in self.participants(person, guid) if one["email"] == email]
        self._as(person).ask("DELETE", f"/rest-api/v1/activities/{guid}/activityparticipants/{leaving['guid']}")

    def answers(self, person: Person, guid: str, answer: str) -> None:
        """On the calendar page."""
        page = Client()
        assert page.post("/sign-in", {"email": person.email, "password": PASSWORD}).status_code == 302
        answered = page.post("/calendar/respond", {"id": guid, "answer": answer})
        assert answered.status_code == 204, answered.content

    def holds(self, *addresses: str) -> set[str]:
        return set(addresses)

    def activity(self, person: Person, guid: str, on: date | None) -> Activity:
        return dict(self._as(person).ask("GET", f"/rest-api/v1/activities/{_named(guid, on)}"))

    def activities(self, person: Person, **filters: Any) -> list[Activity]:
        return self._as(person).pages("/rest-api/v1/activities", **filters)

    def participants(self, person: Person, guid: str) -> list[dict[str, Any]]:
        return list(self._as(person).ask("GET", f"/rest-api/v1/activities/{guid}/activityparticipants"))

    def changes_type(self, person: Person, name: str, fields: dict[str, bool]) -> None:
        self._as(person).ask("PATCH", f"/rest-api/v1/activitytypes/{person.types[name]}", _patch(fields))

    def ticks(self, *names: str) -> None:
        self._installation.done("connection", "set", "--types", ",".join(names))

    def lets_time_pass(self) -> None:
        self._installation.later(minutes=1)

    def writes(self) -> int:
        return 0


def _named(guid: str, on: date | None) -> str:
    return f"{guid}_{on:%Y%m%d}" if on else guid


def _patch(fields: Activity) -> list[dict[str, Any]]:
    return [{"op": "Replace", "path": f"/{name}", "value": value} for name, value in fields.items()]
