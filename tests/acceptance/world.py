"""An office for the acceptance cases: what its people do on either side, and what came of it.

Each person has two hands: `alice.makes(…)` is an act in the PSA (over /rest-api with her own token),
`alice.outlook.makes(…)` one in Outlook (through the sandbox's control API, where nobody counts it as a write).
Runs are `samklang sync run`; writes to Exchange are those the sandbox counted, never those we claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.test import Client

from samklang.engine.people import series_uid
from tests.acceptance.laid_out import laid_out
from tests.installation import PASSWORD, ZONE, Installation, User
from tests.sandbox_client import Sandbox

COMPANY = "Nordhavn Konsult"
ALICE, BOB = ("alice@example.org", "Alice Berg"), ("bob@example.org", "Bob Dahl")
#: A Monday morning. Days in cases are counted from it.
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
#: What is compared after each case: from well before the cut-off to two years ahead.
FROM, TO = "2025-12-01T00:00:00+00:00", "2028-03-01T00:00:00+00:00"


@dataclass(frozen=True)
class Time:
    """Start and end as both APIs take them: wall clock in Stockholm, or dates for all day (end exclusive)."""

    start: str
    end: str
    all_day: bool = False


def at(day: int = 7, hour: float = 9, minutes: int = 60) -> Time:
    """So many days after Monday 2026-03-02, wall clock in Stockholm."""
    start = datetime.combine(MONDAY, time()) + timedelta(days=day, hours=hour)
    return Time(start.isoformat(), (start + timedelta(minutes=minutes)).isoformat())


def days(first: int = 7, count: int = 1) -> Time:
    start = MONDAY + timedelta(days=first)
    return Time(start.isoformat(), (start + timedelta(days=count)).isoformat(), all_day=True)


def utc(text: str) -> Time:
    """An hour from a wall time in Stockholm."""
    start = datetime.fromisoformat(text)
    return Time(start.isoformat(), (start + timedelta(hours=1)).isoformat())


# -- rules: each in the words of both sides

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Rule:
    severa: dict[str, Any]
    microsoft: dict[str, Any]
    limit: dict[str, Any] = field(default_factory=dict)

    def for_psa(self) -> dict[str, Any]:
        limits = {"maxOccurrences": self.limit.get("count"), "recursUntilDate": self.limit.get("until")}
        return {**self.severa, "range": limits}

    def for_outlook(self, start: str) -> dict[str, Any]:
        kind: dict[str, Any] = {"type": "noEnd"}
        if "count" in self.limit:
            kind = {"type": "numbered", "numberOfOccurrences": self.limit["count"]}
        if "until" in self.limit:
            kind = {"type": "endDate", "endDate": self.limit["until"]}
        return {"pattern": self.microsoft, "range": {"startDate": start[:10], "recurrenceTimeZone": ZONE, **kind}}


def weekly(*names: str, every: int = 1, **limit: Any) -> Rule:
    """On these days ("monday", …)."""
    names = names or ("monday",)
    severa = {"interval": every, **{day: day in names for day in _DAYS}}
    microsoft = {"type": "weekly", "interval": every, "daysOfWeek": list(names), "firstDayOfWeek": "monday"}
    return Rule({"frequency": "Weekly", "pattern": {"weekly": severa}}, microsoft, limit)


def daily(every: int = 1, **limit: Any) -> Rule:
    severa = {"frequency": "Daily", "pattern": {"daily": {"interval": every, "everyWeekday": False}}}
    return Rule(severa, {"type": "daily", "interval": every}, limit)


def monthly(day: int, **limit: Any) -> Rule:
    severa = {"frequency": "Monthly", "pattern": {"monthly": {"interval": 1, "dayOfMonth": day}}}
    return Rule(severa, {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": day}, limit)


def monthly_on(position: str, day: str, **limit: Any) -> Rule:
    """E.g. the "last" "friday" of each month."""
    ordinal = {"dayOrdinal": position.title(), "dayOrdinalOption": day.title()}
    severa = {"frequency": "Monthly", "pattern": {"monthly": {"interval": 1, **ordinal}}}
    microsoft = {"type": "relativeMonthly", "interval": 1, "daysOfWeek": [day], "index": position}
    return Rule(severa, microsoft, limit)


def yearly(month: str, number: int, day: int, **limit: Any) -> Rule:
    severa = {"frequency": "Yearly", "pattern": {"yearly": {"month": month, "dayOfMonth": day}}}
    return Rule(severa, {"type": "absoluteYearly", "interval": 1, "month": number, "dayOfMonth": day}, limit)


# -- people


class Outlook:
    """A person's hand in Outlook, and her eyes on that calendar."""

    def __init__(self, sandbox: Sandbox, address: str) -> None:
        self._sandbox, self._address = sandbox, address

    def makes(self, subject: str = "Tea", when: Time | None = None, rule: Rule | None = None, **more: Any) -> str:
        """Returns the entry's id."""
        when = when or at()
        if rule:
            more["recurrence"] = rule.for_outlook(when.start)
        times = {"start": when.start, "end": when.end, "all_day": when.all_day, "zone": ZONE}
        return str(self._sandbox.person_creates(self._address, subject=subject, **(times | more))["id"])

    def calls(
        self, *guests: str | dict[str, str], subject: str = "Lunch", send: str = "all", **more: Any
    ) -> dict[str, Any]:
        """Makes a meeting and sends it to these addresses; returns the entry. `more` as of `makes`."""
        id_ = self.makes(subject, attendees=_asked(guests), send=send, **more)
        return self.entry(id_)

    def asks(self, id: str, *guests: str | dict[str, str], send: str = "changed", **more: Any) -> None:
        """Makes these the attendees of an entry, and tells those who are new or out."""
        self.edits(id, attendees=_asked(guests), send=send, **more)

    def answers(self, id: str, response: str, *, on: date | None = None) -> None:
        """accepted, tentativelyAccepted or declined, with the mail that tells the organizer."""
        self._sandbox.person_answers(self._address, id, response, on)

    def asked_to(self, id: str) -> dict[str, str]:
        """The attendees of a meeting, and what they answered."""
        return {one["address"]: one["response"] for one in self.entry(id)["attendees"]}

    def edits(self, id: str, when: Time | None = None, *, on: date | None = None, **fields: Any) -> None:
        """The entry; with `on` the occurrence of that original date."""
        if when:
            fields |= {"start": when.start, "end": when.end, "zone": ZONE}
            fields |= {"all_day": when.all_day} if when.all_day else {}
        if isinstance(rule := fields.get("recurrence"), Rule):
            start = datetime.fromisoformat(self.entry(id)["start"]).astimezone(ZoneInfo(ZONE))
            fields["recurrence"] = rule.for_outlook(start.isoformat())
        self._sandbox.person_edits(self._address, id, on, **fields)

    def deletes(self, id: str, *, on: date | None = None, send: str = "none") -> None:
        """With `send="all"` a meeting of her own is cancelled."""
        self._sandbox.person_deletes(self._address, id, on, send=send)

    def moves_to(self, folder: str, id: str) -> str:
        return str(self._sandbox.person_moves(self._address, id, folder)["id"])

    def entry(self, id: str) -> dict[str, Any]:
        return self._sandbox.entry(self._address, id)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Singles and series."""
        return self._sandbox.entries(self._address)

    @property
    def one(self) -> dict[str, Any]:
        (entry,) = self.entries
        return entry

    @property
    def occurrences(self) -> list[dict[str, Any]]:
        return self._sandbox.entries(self._address, expand=(FROM, TO))

    def starts(self) -> list[str]:
        """Wall-clock starts of everything, in Stockholm; dates for whole days."""
        return [
            o["start_date"] if o["all_day"] else _wall(datetime.fromisoformat(o["start"])) for o in self.occurrences
        ]


def _asked(guests: Iterable[str | dict[str, str]]) -> list[dict[str, str]]:
    return [{"address": one} if isinstance(one, str) else one for one in guests]


class Person(User):
    """… in the PSA; `outlook` is her other hand."""

    def __init__(self, installation: Installation, email: str, token: str) -> None:
        super().__init__(installation, email, token)
        self.outlook = Outlook(installation.sandbox, email)
        self.types = {one["name"]: one["guid"] for one in self.pages("/rest-api/v1/activitytypes")}
        self.guid = str(self.ask("GET", "/rest-api/v1/users", email=email)[0]["guid"])

    def makes(
        self, name: str = "Tea", when: Time | None = None, rule: Rule | None = None, type: str = "Meeting", **more: Any
    ) -> str:
        """An activity of hers; returns its guid."""
        when = when or at()
        body = {
            "name": name,
            "startDateTime": when.start,
            "endDateTime": when.end,
            "isAllDay": when.all_day,
            "activityType": {"guid": self.types[type]},
            "ownerUser": {"guid": self.guid},
        }
        if rule:
            body["recurrence"] = rule.for_psa()
        return str(self.ask("POST", "/rest-api/v1/activities", body | more)["guid"])

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
        patch = [{"op": "Replace", "path": f"/{name}", "value": value} for name, value in fields.items()]
        self.ask("PATCH", f"/rest-api/v1/activities/{_named(guid, on)}", patch)

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
        self.ask("DELETE", f"/rest-api/v1/activities/{_named(guid, on)}")

    def invites(self, colleague: Person, guid: str) -> None:
        body = {"activityGuid": guid, "participantGuid": colleague.guid}
        self.ask("POST", "/rest-api/v1/activityparticipants", body)

    def answers(self, guid: str, answer: str) -> None:
        """On the calendar page: "Accepted", "Tentative" or "Declined"."""
        page = Client()
        assert page.post("/sign-in", {"email": self.email, "password": PASSWORD}).status_code == 302
        answered = page.post("/calendar/respond", {"id": guid, "answer": answer})
        assert answered.status_code == 204, answered.content

    def takes_off(self, email: str, guid: str) -> None:
        """Removes a participant (herself too)."""
        path = f"/rest-api/v1/activities/{guid}/activityparticipants"
        (leaving,) = [one for one in self.ask("GET", path) if one["email"] == email]
        self.ask("DELETE", f"{path}/{leaving['guid']}")

    def people(self, guid: str) -> dict[str, str]:
        """Who takes part in an activity besides its owner, by address, and what they answered."""
        rows = self.ask("GET", f"/rest-api/v1/activities/{guid}/activityparticipants")
        return {one["email"]: one["status"] for one in rows}

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

    def changes_type(self, name: str, **fields: Any) -> None:
        """An administrator's act: `isActive` and `isDefault` of an activity type, by its name."""
        patch = [{"op": "Replace", "path": f"/{field}", "value": value} for field, value in fields.items()]
        self.ask("PATCH", f"/rest-api/v1/activitytypes/{self.types[name]}", patch)

    def activity(self, guid: str, *, on: date | None = None) -> dict[str, Any]:
        return dict(self.ask("GET", f"/rest-api/v1/activities/{_named(guid, on)}"))

    def _listed(self, **filters: Any) -> list[dict[str, Any]]:
        # Of her calendar alone: what she owns or takes part in.
        mine = {"userGuids": [self.guid], "includeAsMember": "true"}
        return self.pages("/rest-api/v1/activities", **mine, **filters)

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
            o["startDateTime"][:10] if o["isAllDay"] else _wall(datetime.fromisoformat(o["startDateTime"]))
            for o in self.occurrences
        )


def _named(guid: str, on: date | None) -> str:
    return f"{guid}_{on:%Y%m%d}" if on else guid


def _wall(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None).isoformat(timespec="minutes")


# -- the office


@dataclass(frozen=True)
class Writes:
    created: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def all(self) -> int:
        return self.created + self.updated + self.deleted


@dataclass(frozen=True)
class Report:
    """What one round of runs did: to Exchange as the sandbox counted it, to the PSA as the runs reported."""

    psa: Writes
    exchange: Writes
    requests: int
    #: The reports themselves, by person.
    runs: dict[str, dict[str, Any]]

    @property
    def writes(self) -> int:
        return self.psa.all + self.exchange.all

    def went_through(self) -> None:
        for run in self.runs.values():
            assert run["error"] is None and run["waiting_for"] is None, run

    @property
    def set_aside(self) -> Counter[str]:
        return sum((Counter(run["set_aside"]) for run in self.runs.values()), Counter())

    @property
    def left_out(self) -> Counter[str]:
        return sum((Counter(run["left_out"]) for run in self.runs.values()), Counter())

    @property
    def joined(self) -> int:
        return sum(run["joined"] for run in self.runs.values())

    @property
    def errors(self) -> set[str]:
        return {run["error"] for run in self.runs.values() if run["error"]}


class World(Installation):
    """Alice (administrator) and Bob of one organization; who syncs is up to the case."""

    def __init__(self, sandbox: Sandbox, protocol: str) -> None:
        super().__init__(sandbox, protocol, NOW)
        self.mailbox(ALICE[0], name=ALICE[1])
        self.mailbox(BOB[0], name=BOB[1])
        tokens = laid_out(protocol, self._people_and_connection)
        self.alice, self.bob = Person(self, ALICE[0], tokens[0]), Person(self, BOB[0], tokens[1])
        self.syncing: list[Person] = []
        #: Why pairs of this case rightly differ; the rule.
        self.differs_by = ""
        #: Entries on one side alone are part of the case; the rule.
        self.one_sided_by = ""
        #: A series of one side is single entries on the other; the rule.
        self.in_singles_by = ""
        #: Mails this case may leave (rule 4.6): what to whom, e.g. ("update", "bob@example.org").
        self.mails_allowed: Counter[tuple[str, str]] = Counter()
        #: Over all runs of the case: "writes" to Exchange and the "places" that differed there afterwards; at its end
        #: writes of the "second run", "mails" and "mails not allowed".
        self.figures: Counter[str] = Counter()

    def _people_and_connection(self) -> tuple[str, str]:
        """Their tokens."""
        alice, bob = self.add_user(*ALICE, COMPANY, "--admin"), self.add_user(*BOB, COMPANY)
        self.connect(COMPANY)
        return alice.token, bob.token

    def outsider(self, address: str = "xenia@elsewhere.example", name: str = "Xenia") -> Outlook:
        """Somebody of another company, who uses Outlook."""
        self.sandbox.mailbox(address, name=name, zone=ZONE)
        return Outlook(self.sandbox, address)

    def person(self, email: str, name: str, *flags: str, zone: str = ZONE) -> Person:
        """Somebody more in the company; her mailbox is the case's to make."""
        return Person(self, email, self.add_user(email, name, COMPANY, *flags, zone=zone).token)

    def syncs(self, *people: Person) -> World:
        """They switch on and take the first plan unseen; the next run is their first."""
        for person in people:
            person.switches_on()
            self.syncing.append(person)
        return self

    def started(self, *people: Person) -> World:
        """… and their first run, over whatever there is, is done."""
        self.syncs(*people)
        self.run()
        return self

    # -- runs
    def run(self, *flags: str) -> Report:
        """A run of everybody who syncs, a minute later; as often as there are people, so that all hear of all."""
        self.later(minutes=1)
        self.sandbox.zero_counts()
        before = {person.email: person.outlook.entries for person in self.syncing}
        psa: Counter[str] = Counter()
        reports = {}
        for _ in self.syncing:
            for person in self.syncing:
                report = reports[person.email] = person.runs(*flags)
                psa.update(report["psa"])
        exchange: Counter[str] = Counter()
        requests = 0
        for person in self.syncing:
            counts = self.sandbox.counts(person.email)
            exchange.update(counts["writes"])
            requests += counts["requests"]
            self.figures["places"] += places(before[person.email], person.outlook.entries)
        self.figures["writes"] += exchange.total()
        return Report(
            Writes(psa["created"], psa["updated"], psa["deleted"]),
            Writes(exchange["create"], exchange["update"], exchange["delete"]),
            requests,
            reports,
        )

    def synced(self, *flags: str) -> Report:
        """A run that must go through."""
        report = self.run(*flags)
        report.went_through()
        return report

    def tried_again(self) -> Report:
        """A run an hour later, when what was set aside is due again."""
        self.later(hours=1)
        return self.synced()

    @property
    def mails(self) -> Counter[tuple[str, str]]:
        """Mails a server would have sent because of us: what to whom."""
        return Counter((mail["kind"], mail["recipient"]) for mail in self.sandbox.mails())

    # -- what holds after every case
    def is_at_rest(self, again: Report | None = None) -> None:
        """A second run writes nothing, nobody was mailed, every pair is equal or the case says why not.

        `again`: that run, where it is done already.
        """
        again = again or self.synced()
        again.went_through()
        figures = self.figures
        figures["second run"] = again.writes
        figures["mails"], figures["mails not allowed"] = self.mails.total(), (self.mails - self.mails_allowed).total()
        assert again.writes == 0, f"the next run wrote: {again}"
        assert self.mails == self.mails_allowed
        assert figures["writes"] <= figures["places"], "one write for each entry or date that changed"
        assert self.sandbox.validation()["failures"] == []
        if not self.differs_by:
            for person in self.syncing:
                self._is_equal(person)

    def _is_equal(self, person: Person) -> None:
        kept = {one["guid"]: one for one in person.activities if not person.has_declined(one)}
        here = Counter(_activity_shown(one) for one in person.occurrences if _whole(one) in kept)
        there = Counter(_event_shown(one) for one in person.outlook.occurrences if not self.is_one_date(one))
        if self.one_sided_by:
            both = here & there
            assert here == both or there == both, (here - there, there - here)
        else:
            who = person.email
            assert here == there, f"{who}: only in the PSA: {here - there}; only in Exchange: {there - here}"
        texts_here = Counter((one["name"], _text(one["notes"] or "")) for one in kept.values())
        entries = [one for one in person.outlook.entries if not self.is_one_date(one)]
        texts_there = Counter((one["subject"].strip(), self._without_names(_text(one["text"]))) for one in entries)
        if not (self.one_sided_by or self.in_singles_by):
            assert texts_here == texts_there, (texts_here - texts_there, texts_there - texts_here)

    def _without_names(self, letters: str) -> str:
        """Under the text of a meeting made again stand the names of who was invited (rule 7.2)."""
        names = [_text(name) for _, name in (ALICE, BOB)]
        while found := [name for name in names if letters.endswith(name)]:
            letters = letters.removesuffix(found[0])
        return letters

    def is_one_date(self, event: dict[str, Any]) -> bool:
        """An invitation to one date of a series that a colleague called has no activity of its own (rule 3.2)."""
        series = series_uid(event["uid"])
        if series == event["uid"]:
            return False  # as of nearly all: nobody's calendar need be listed
        return any(one["uid"] == series for person in self.syncing for one in person.outlook.entries)


def places(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    """How many entries of a mailbox differ, each date of a series that differs from it counted by itself.

    Where rule, times or a cancelled date changed, servers drop all such dates, and each is a place again (rule 5.4).
    """
    old, new = ({one["id"]: one for one in entries} for entries in (before, after))
    return sum(_places_of(old.get(id_), new.get(id_)) for id_ in old.keys() | new.keys())


def _places_of(old: dict[str, Any] | None, new: dict[str, Any] | None) -> int:
    if old is None or new is None:
        return 1 if new is None else 1 + len(_dates(new))
    kept_by_servers = ("change_key", "modified", "exceptions", "cancelled")
    own = any(new[name] != old[name] for name in new if name not in kept_by_servers)
    before, after = _dates(old), _dates(new)
    laid_out_anew = any(new[name] != old[name] for name in ("start", "end", "zone", "recurrence") if name in new)
    if laid_out_anew or any(before[day] is None and after.get(day) is not None for day in before):
        return 1 + len(after)
    return own + sum(before.get(day, 0) != after.get(day, 0) for day in before.keys() | after.keys())


def _dates(entry: dict[str, Any]) -> dict[str, Any]:
    """Dates of a series that are not as the series: content of the changed ones, None for the cancelled."""
    changed = {one["original"]: one for one in entry.get("exceptions", ())}
    return changed | dict.fromkeys(entry.get("cancelled", ()), None)


def _whole(one: dict[str, Any]) -> str:
    """The activity an occurrence is of, or that this is."""
    return str(one["recurrenceParentActivityGuid"] or one["guid"])


def _activity_shown(one: dict[str, Any]) -> tuple[str, str, str, str]:
    start, end = one["startDateTime"], one["endDateTime"]
    if one["isAllDay"]:
        times = start[:10], end[:10]
    else:
        times = _instant(start), _instant(end)
    return (one["name"].strip(), one["location"] or "", *times)


def _event_shown(one: dict[str, Any]) -> tuple[str, str, str, str]:
    if one["all_day"]:
        times = one["start_date"], one["end_date"]
    else:
        times = _instant(one["start"]), _instant(one["end"])
    return (one["subject"].strip(), one["location"].strip(), *times)


def _instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")


def _text(text: str) -> str:
    """Its letters: how lines, lists and links of HTML are laid out as text is each reader's own."""
    return "".join(letter for letter in text if letter.isalnum())
