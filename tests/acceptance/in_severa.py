"""The sandbox's Severa as the PSA of the cases.

What people do there goes through the control API, where nobody counts it as a write; what they see is read by a program
of theirs over Severa's REST API.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import requests

from tests.acceptance.polled import Polled
from tests.acceptance.psa import Activity
from tests.acceptance.when import NOW
from tests.installation import ApiRefused, Installation
from tests.sandbox_client import Refused

if TYPE_CHECKING:
    from tests.acceptance.people import Person

KEY = "nordhavn"
OURS, SECRET = "samklang.api", "severa's-secret"
_EYES = "eyes.api"
#: Of a program that reads all there is.
_ALL = ["activities:read", "settings:read", "users:read"]
#: By name: category, and whether it is its default.
_TYPES = {
    "Meeting": ("CalendarEntry", True),
    "Workshop": ("CalendarEntry", False),
    "To-do": ("SalesEvent", True),
    "Project task": ("Task", True),
    "Personal": ("Personal", True),
    "Private": ("Personal", False),
    "Absence": ("Absences", True),
}
#: The control API's names of what a person sets, by Severa's own.
_NAMES = {
    "name": "name",
    "startDateTime": "start",
    "endDateTime": "end",
    "isAllDay": "all_day",
    "hasDuration": "duration",
    "location": "location",
    "notes": "notes",
    "isClosed": "closed",
    "isUnassigned": "unassigned",
    "hasHours": "has_hours",
    "recurrence": "recurrence",
    "activityType/guid": "type",
}


class InSevera(Polled):
    is_severa = True

    def __init__(self, installation: Installation) -> None:
        super().__init__(installation)
        self._sandbox = installation.sandbox
        # Who tells of participants (no source does) is heard within the minute; tests/connectors/severa shows both.
        self._sandbox.severa_behaves(requests_per_second=0, touched_by=["exceptions", "participants"])
        clients = [{"client_id": OURS, "secret": SECRET}, {"client_id": _EYES, "secret": SECRET, "scopes": _ALL}]
        self._sandbox.severa_organization(KEY, clients, name="Nordhavn Konsult")
        self._types = {
            name: str(self._sandbox.severa_type(KEY, name, category, default=default)["guid"])
            for name, (category, default) in _TYPES.items()
        }
        self._guids: dict[str, str] = {}
        # Somebody who does not know of Samklang: a listing is never empty, which would prove nothing (rule 8.1).
        beside = self._sandbox.severa_user(KEY, "cilla@example.org", first_name="Cilla", last_name="Al")
        self._sandbox.severa_creates(beside["guid"], name="Cilla's own", start=(NOW + timedelta(days=700)).isoformat())
        self._eyes = Eyes(f"{self._sandbox.severa}/v1", self._sandbox.ca_file)

    # -- the organization

    def takes_in(self, email: str, name: str, zone: str) -> None:
        first, _space, last = name.partition(" ")
        # Rule 13.6: Severa mails nobody of new activities.
        silent = {"sendNewActivityEmail": False}
        details = {"first_name": first, "last_name": last or first, "zone": zone, "notifications": silent}
        self._guids[email] = self._sandbox.severa_user(KEY, email, **details)["guid"]
        self.reads_anew()

    def begins(self) -> None:
        self.connects(f"{self._sandbox.severa}/v1", OURS, SECRET)

    def knows(self, person: Person) -> tuple[str, dict[str, str]]:
        return self._guids[person.email], self._types

    def changes_type(self, person: Person, name: str, fields: dict[str, bool]) -> None:
        named = {"isActive": "active", "isDefault": "default"}
        self._sandbox.severa_changes("types", self._types[name], **{named[one]: fields[one] for one in fields})
        self.reads_anew()

    def writes(self) -> int:
        return sum(self._sandbox.counts(OURS)["writes"].values())

    # -- what people do

    def creates(self, person: Person, activity: Activity) -> str:
        with _refusals():
            return str(self._sandbox.severa_creates(person.guid, **_control(activity))["guid"])

    def replaces(self, person: Person, guid: str, on: date | None, fields: Activity) -> None:
        with _refusals():
            self._sandbox.severa_edits(guid, on, by=person.guid, **_control(fields))

    def deletes(self, person: Person, guid: str, on: date | None) -> None:
        with _refusals():
            self._sandbox.severa_deletes(guid, on, by=person.guid)
        self.has_deleted = on is None or self.has_deleted

    def adds(self, person: Person, guid: str, colleague: Person) -> None:
        with _refusals():
            if colleague.email in {one["email"] for one in self.participants(person, guid)}:
                # Nobody is added twice there.
                self.removes(person, guid, colleague.email)
            self._sandbox.severa_adds(guid, colleague.guid, by=person.guid)

    def removes(self, person: Person, guid: str, email: str) -> None:
        with _refusals():
            self._sandbox.severa_removes(guid, email, by=person.guid)

    def answers(self, person: Person, guid: str, answer: str) -> None:
        with _refusals():
            self._sandbox.severa_answers(guid, person.guid, answer)

    # -- what they see

    def holds(self, *addresses: str) -> set[str]:
        """Rule 13.4: its users; the cases have no contacts."""
        return set(addresses) & self._guids.keys()

    def activity(self, person: Person, guid: str, on: date | None) -> Activity:
        if on:
            guid = self._sandbox.severa_activity(guid, on)["guid"]
        return self._shown(person, self._eyes.get(f"/activities/{guid}")[0])

    def activities(self, person: Person, **filters: Any) -> list[Activity]:
        return [self._shown(person, one) for one in self._eyes.all("/activities", **filters)]

    def _shown(self, person: Person, activity: Activity) -> Activity:
        """Of what is Personal, who takes no part sees in Severa's pages that somebody is busy (Severa facts §2.4)."""
        if activity["activityType"]["category"] != "Personal" or self._concerns(person, activity):
            return activity
        return activity | {"name": "Private", "notes": None, "location": None}

    def _concerns(self, person: Person, activity: Activity) -> bool:
        if activity["ownerUser"]["guid"] == person.guid:
            return True
        return person.email in {one["email"] for one in self.participants(person, activity["guid"])}

    def participants(self, person: Person, guid: str) -> list[dict[str, Any]]:
        return list(self._eyes.get(f"/activities/{guid}/activityparticipants")[0])


class Eyes:
    """A program of the cases that reads, with a token for as long as that is taken."""

    def __init__(self, address: str, ca_file: str) -> None:
        self._address = address
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = ca_file

    def get(self, path: str, **query: Any) -> tuple[Any, str]:
        """What is there, and the token of the next page. Raises ApiRefused."""
        answer = self._ask(path, query)
        if answer.status_code == 401:
            self._sign_in()
            answer = self._ask(path, query)
        if answer.status_code != 200:
            raise ApiRefused(answer.status_code, answer.text)
        return answer.json(), answer.headers.get("NextPageToken", "")

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        rows, more = self.get(path, rowCount=100, **query)
        while more:
            page, more = self.get(path, rowCount=100, pageToken=more, **query)
            rows += page
        return list(rows)

    def _ask(self, path: str, query: dict[str, Any]) -> requests.Response:
        return self._http.get(self._address + path, params=query, timeout=60)

    def _sign_in(self) -> None:
        asked = {"client_id": _EYES, "client_secret": SECRET, "scope": ",".join(_ALL)}
        answer = self._http.post(f"{self._address}/token", json=asked, timeout=30)
        self._http.headers.update({"Authorization": f"Bearer {answer.json()['access_token']}", "Client_Id": _EYES})


def _control(activity: Activity) -> dict[str, Any]:
    """As the control API takes what a person sets."""
    fields = {_NAMES[name]: value for name, value in activity.items() if name in _NAMES}
    if "activityType" in activity:
        fields["type"] = activity["activityType"]["guid"]
    if "ownerUser" in activity:
        fields["owner"] = activity["ownerUser"]["guid"]
    assert len(fields) == len(activity), f"not all of this is in Severa: {list(activity)}"
    return fields


@contextmanager
def _refusals() -> Iterator[None]:
    """Severa's own pages say no."""
    try:
        yield
    except Refused as refused:
        raise ApiRefused(refused.status, refused.detail) from refused
