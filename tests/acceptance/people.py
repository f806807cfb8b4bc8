"""A person's two hands: `alice.makes(…)` is an act in the PSA, `alice.outlook.makes(…)` one in Outlook."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tests.acceptance.outlook import Outlook
from tests.acceptance.when import FROM, TO, Rule, Time, at, wall
from tests.installation import ZONE, User

if TYPE_CHECKING:
    from tests.acceptance.world import World


class Person(User):
    """… in the PSA; `outlook` is her other hand. Activities are told in Severa's names."""

    def __init__(self, world: World, email: str, token: str) -> None:
        super().__init__(world, email, token)
        self._psa = world.psa
        self.outlook = Outlook(world.sandbox, email)
        #: In the PSA.
        self.guid, self.types = world.psa.knows(self)

    def makes(
        self, name: str = "Tea", when: Time | None = None, rule: Rule | None = None, type: str = "Meeting", **more: Any
    ) -> str:
        """An activity of hers; returns its guid."""
        when = when or at()
        activity = {
            "name": name,
            "startDateTime": when.start,
            "endDateTime": when.end,
            "isAllDay": when.all_day,
            "activityType": {"guid": self.types[type]},
            "ownerUser": {"guid": self.guid},
        }
        if rule:
            activity["recurrence"] = rule.for_psa()
        return self._psa.creates(self, activity | more)

    def edits(self, guid: str, when: Time | None = None, *, on: date | None = None, **fields: Any) -> None:
        """Fields by Severa's names; `type` by the type's name; `recurrence` may be a Rule."""
        if when:
            fields |= {"startDateTime": when.start, "endDateTime": when.end, "isAllDay": when.all_day}
            if on:
                del fields["isAllDay"]
        if "type" in fields:
            fields["activityType/guid"] = self.types[fields.pop("type")]
        if isinstance(rule := fields.get("recurrence"), Rule):
            fields["recurrence"] = rule.for_psa()
        self._psa.replaces(self, guid, on, fields)

    def imports(self, rule: str, name: str = "Report", start: str = "20260310T090000") -> str:
        """A calendar file of hers with a series of one hour at a wall time in Stockholm; returns its guid."""
        calendar = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\nBEGIN:VEVENT\r\n"
            f"UID:{name}@example.org\r\nDTSTAMP:20260301T000000Z\r\nDTSTART;TZID={ZONE}:{start}\r\nDURATION:PT1H\r\n"
            f"{rule}\r\nSUMMARY:{name}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        with self.installation.a_file(calendar) as path:
            self.installation.done("import", str(path), "--user", self.email)
        return str(next(one["guid"] for one in self.activities if one["name"] == name))

    def deletes(self, guid: str, *, on: date | None = None) -> None:
        self._psa.deletes(self, guid, on)

    def invites(self, colleague: Person, guid: str) -> None:
        self._psa.adds(self, guid, colleague)

    def answers(self, guid: str, answer: str) -> None:
        """ "Accepted", "Tentative" or "Declined"."""
        self._psa.answers(self, guid, answer)

    def takes_off(self, email: str, guid: str) -> None:
        """Removes a participant (herself too)."""
        self._psa.removes(self, guid, email)

    def people(self, guid: str) -> dict[str, str]:
        """Who takes part in an activity besides its owner, by address, and what they answered."""
        return {one["email"]: one["status"] for one in self._psa.participants(self, guid)}

    def has_declined(self, activity: dict[str, Any]) -> bool:
        """One of a colleague that she said no to is listed as hers still, but gone from her Outlook (rule 4.5), unless
        its organizer changed it since: that invites her again."""
        owner = activity["ownerUser"]
        if (owner and owner["guid"] == self.guid) or self.people(activity["guid"]).get(self.email) != "Declined":
            return False
        invited = {(one["subject"], bool(one["recurrence"])) for one in self.outlook.entries if one["attendees"]}
        return (activity["name"], bool(activity["recurrence"])) not in invited

    def owner(self, guid: str) -> str | None:
        """Name of who owns it."""
        owner = self.activity(guid)["ownerUser"]
        return owner and str(owner["name"])

    def changes_type(self, name: str, **fields: bool) -> None:
        """An administrator's act: `isActive` and `isDefault` of an activity type, by its name."""
        self._psa.changes_type(self, name, fields)

    def activity(self, guid: str, *, on: date | None = None) -> dict[str, Any]:
        return self._psa.activity(self, guid, on)

    def sees_of(self, colleague: Person, first: str = FROM, last: str = TO) -> list[dict[str, Any]]:
        """What a colleague owns, as it is shown to her: the dates of series too."""
        return self._psa.activities(self, userGuids=[colleague.guid], startDateTime=first, endDateTime=last)

    def _listed(self, **filters: Any) -> list[dict[str, Any]]:
        # Of her calendar alone: what she owns or takes part in.
        mine = {"userGuids": [self.guid], "includeAsMember": "true"}
        return self._psa.activities(self, **mine, **filters)

    @property
    def activities(self) -> list[dict[str, Any]]:
        """Singles and series of hers."""
        return self._listed(recurrenceType="None") + self.series

    @property
    def series(self) -> list[dict[str, Any]]:
        return self._listed(recurrenceType="Series")

    @property
    def one(self) -> dict[str, Any]:
        (activity,) = self.activities
        return activity

    @property
    def occurrences(self) -> list[dict[str, Any]]:
        return self._listed(startDateTime=FROM, endDateTime=TO)

    def starts(self) -> list[str]:
        return sorted(
            o["startDateTime"][:10] if o["isAllDay"] else wall(datetime.fromisoformat(o["startDateTime"]))
            for o in self.occurrences
        )
