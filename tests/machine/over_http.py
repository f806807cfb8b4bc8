"""Random people before real connectors: the sandbox over HTTP, our own calendar in a database (docs/proof.md).

What `tests/machine/machine.py` does with fakes in memory, in fewer kinds of steps: here it is the wire, the forms and
the transactions that are on trial. A seed says every step; `Days.told` says them in words.

Left to the machines in memory, for what is right there depends on who came first: a series' own time and rule beside
changed dates, and edits of a colleague's meeting in one's own copy.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from tests.acceptance.people import Person
from tests.acceptance.when import MONDAY, at, days, weekly
from tests.acceptance.world import World
from tests.installation import ApiRefused
from tests.machine.office import PSA
from tests.machine.record import Record
from tests.machine.shown import CALLED_OFF
from tests.sandbox_client import Refused

#: Days after the first Monday: a Monday nobody reaches, so that nothing is over.
AHEAD = 63
#: Dates of a series.
DATES = 4
#: How many entries of a person are enough, and how many steps come between two rests.
ENOUGH, BETWEEN_RESTS = 6, 4
#: Nobody touches it: a listing is never empty, which would prove nothing (rule 8.1).
ANCHOR = "Anchor of "

Held = dict[str, Any]


class Days:
    """Steps of Alice and Bob, chosen by a seed, and what must hold whenever they rest."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.people = world, (world.alice, world.bob)
        self.random = random.Random(seed)
        self.record = Record()
        self.told: list[str] = []
        #: Mails that the edits since the last rest allow (rule 4.6): kind and recipient.
        self.may_mail: Counter[tuple[str, str]] = Counter()

    def begin(self) -> None:
        """First contact: some entries on either side, shared ones too, then both switch on."""
        for person in self.people:
            person.outlook.makes(f"{ANCHOR}{person.email}", at(AHEAD - 7, 9 if person is self.people[0] else 14))
            self.makes_in_the_psa(person)
            self.makes_in_outlook(person)
            self.calls_a_meeting(person)
            self.takes_part(person)
        self.world.started(*self.people)
        self.rest()

    def go(self, steps: int) -> None:
        """Raises AssertionError with all that was done."""
        try:
            self.begin()
            for number in range(1, steps + 1):
                self.step()
                if number % BETWEEN_RESTS == 0 or number == steps:
                    self.rest()
        except AssertionError as error:
            error.add_note("\n".join(self.told))
            raise

    def step(self) -> None:
        kinds, weights = zip(*STEPS.items(), strict=True)
        (kind,) = self.random.choices(kinds, weights)
        kind(self, self.random.choice(self.people))

    # -- hands

    def titles(self, place: str) -> set[str]:
        """Every title somebody sees there."""
        if place == PSA:
            return {one["name"] for person in self.people for one in person.series + person.occurrences}
        (outlook,) = (person.outlook for person in self.people if person.email == place)
        return {one["subject"].removeprefix(CALLED_OFF) for one in outlook.entries + outlook.occurrences}

    def all_titles(self) -> set[str]:
        return set().union(*(self.titles(place) for place in (PSA, *(person.email for person in self.people))))

    @contextmanager
    def acting(self, place: str, words: str) -> Iterator[None]:
        """Around what somebody does in a place: titles that appear were typed, those that go were meant to go.

        What the PSA or Outlook refuses is no deed.
        """
        before = self.titles(place)
        try:
            yield
        except (ApiRefused, Refused) as error:
            words += f": refused ({error.status})"
        after = self.titles(place)
        self.record.typed |= after - before
        self.record.discarded |= before - after
        self.told.append(f"{place}: {words}")

    def fresh(self) -> str:
        return f"{self.random.choice(('Tea', 'Cake'))} {self.record.number()}"

    def activity(self, person: Person) -> Held | None:
        return self._one_of(person.activities, "name")

    def event(self, person: Person) -> Held | None:
        """One that is hers to edit: her own, or a plain copy (rule 4.4)."""
        return self._one_of([one for one in person.outlook.entries if _is_hers(one)], "subject")

    def _one_of(self, entries: list[Held], title: str) -> Held | None:
        held = sorted((one for one in entries if not one[title].startswith(ANCHOR)), key=lambda one: str(one[title]))
        return self.random.choice(held) if held else None

    def _other(self, person: Person) -> Person:
        return self.people[1 - self.people.index(person)]

    def _newcomer(self) -> dict[str, Any]:
        day = AHEAD + self.random.randrange(5)
        kind = self.random.choice(["single", "single", "whole day", "series"])
        if kind == "whole day":
            return {"when": days(day, self.random.randint(1, 2))}
        if kind == "series":
            return {"when": at(AHEAD, self.random.randint(8, 16)), "rule": weekly(count=DATES)}
        return {"when": at(day, self.random.randint(8, 16))}

    def _date(self) -> date:
        return MONDAY + timedelta(days=AHEAD + 7 * self.random.randrange(DATES))

    # -- steps

    def makes_in_the_psa(self, person: Person) -> None:
        if len(person.activities) < ENOUGH:
            title, entry, kind = self.fresh(), self._newcomer(), self.random.choice(["Meeting", "Meeting", "Private"])
            with self.acting(PSA, f"{person.email} makes {title} ({kind}) {entry}"):
                person.makes(title, type=kind, **entry)

    def makes_in_outlook(self, person: Person) -> None:
        if len(person.outlook.entries) < ENOUGH:
            title, entry, kind = self.fresh(), self._newcomer(), self.random.choice(["normal", "normal", "private"])
            with self.acting(person.email, f"makes {title} ({kind}) {entry}"):
                person.outlook.makes(title, sensitivity=kind, **entry)

    def edits_in_the_psa(self, person: Person) -> None:
        if (held := self.activity(person)) is None:
            return
        change, on = self._change(held, "name")
        with self.acting(PSA, f"{person.email} edits {held['name']} {on or ''} {change}"):
            person.edits(held["guid"], on=on, **change)
            self._allows("update", held["name"])

    def edits_in_outlook(self, person: Person) -> None:
        if (held := self.event(person)) is None:
            return
        change, on = self._change(held, "subject")
        told = {"send": "all"} if held["attendees"] else {}
        with self.acting(person.email, f"edits {held['subject']} {on or ''} {change}"):
            person.outlook.edits(held["id"], on=on, **change, **told)

    def _change(self, held: Held, title: str) -> tuple[dict[str, Any], date | None]:
        """A fresh title, another place, or another time; in a series of one date or of all."""
        series = bool(held["recurrence"])
        on = self._date() if series and self.random.random() < 0.5 else None
        field = self.random.choice([title, title, "location", "when"])
        if field != "when" or (series and not on):
            return {title if field == "when" else field: self.fresh()}, on
        day = (on - MONDAY).days if on else AHEAD + self.random.randrange(5)
        return {"when": at(day, self.random.randint(8, 16))}, on

    def writes_more_in_the_psa(self, person: Person) -> None:
        """Text, or what keeps it from others; of a meeting neither could be written without mail (rule 4.6)."""
        if (held := self.activity(person)) is None or person.people(held["guid"]):
            return
        change = self.random.choice([{"notes": self.fresh()}, {"type": "Private"}, {"type": "Meeting"}])
        with self.acting(PSA, f"{person.email} edits {held['name']} {change}"):
            person.edits(held["guid"], **change)

    def writes_more_in_outlook(self, person: Person) -> None:
        if (held := self.event(person)) is None:
            return
        change = self.random.choice([{"body": self.fresh()}, {"sensitivity": "private"}, {"sensitivity": "normal"}])
        told = {"send": "all"} if held["attendees"] else {}
        with self.acting(person.email, f"edits {held['subject']} {change}"):
            person.outlook.edits(held["id"], **change, **told)

    def deletes_in_the_psa(self, person: Person) -> None:
        if (held := self.activity(person)) is None:
            return
        on = self._date() if held["recurrence"] and self.random.random() < 0.7 else None
        with self.acting(PSA, f"{person.email} deletes {held['name']} {on or ''}"):
            self._allows("update" if on else "cancellation", held["name"])
            self._allows("cancellation", held["name"])
            person.deletes(held["guid"], on=on)

    def deletes_in_outlook(self, person: Person) -> None:
        if (held := self.event(person)) is None:
            return
        on = self._date() if held["recurrence"] and self.random.random() < 0.7 else None
        with self.acting(person.email, f"deletes {held['subject']} {on or ''}"):
            person.outlook.deletes(held["id"], on=on, send="all" if held["attendees"] else "none")

    def takes_part(self, person: Person) -> None:
        """A colleague is put on an activity in the PSA."""
        if (held := self.activity(person)) is None or self._is_meeting(held["name"]):
            return
        with self.acting(PSA, f"{person.email} puts the colleague on {held['name']}"):
            person.invites(self._other(person), held["guid"])

    def takes_no_part_any_longer(self, person: Person) -> None:
        """The colleague is taken off again (rule 4.7)."""
        if (held := self.activity(person)) is None or self._is_meeting(held["name"]):
            return
        colleague = self._other(person).email
        if colleague in person.people(held["guid"]):
            with self.acting(PSA, f"{person.email} takes the colleague off {held['name']}"):
                self._allows("cancellation", held["name"])
                person.takes_off(colleague, held["guid"])

    def calls_a_meeting(self, person: Person) -> None:
        if len(person.outlook.entries) < ENOUGH:
            title, entry = self.fresh(), self._newcomer()
            with self.acting(person.email, f"calls {title} {entry}"):
                person.outlook.calls(self._other(person).email, subject=title, **entry)
            self.record.typed.add(title)

    def answers(self, person: Person) -> None:
        invited = [one for one in person.outlook.entries if not _is_hers(one)]
        if held := self._one_of([one for one in invited if not one["subject"].startswith(CALLED_OFF)], "subject"):
            answer = self.random.choice(["accepted", "tentativelyAccepted", "declined"])
            with self.acting(person.email, f"answers {held['subject']} {answer}"):
                person.outlook.answers(held["id"], answer)

    def answers_in_the_psa(self, person: Person) -> None:
        called = [one for one in person.activities if self._is_meeting(one["name"])]
        held = self._one_of([one for one in called if person.email in person.people(one["guid"])], "name")
        if held:
            answer = self.random.choice(["Accepted", "Tentative", "Declined"])
            with self.acting(PSA, f"{person.email} answers {held['name']} {answer}"):
                person.answers(held["guid"], answer)

    def moves_away_and_back(self, person: Person) -> None:
        """Unlinked, then revived (rule 8.2); what is deleted before it was seen back is an unlinked pair still."""
        if (held := self.event(person)) is None or held["attendees"]:
            return
        self.told.append(f"{person.email}: moves {held['subject']} to another calendar and back")
        there = person.outlook.moves_to("Club", held["id"])
        self.world.run()
        person.outlook.moves_to("calendar", there)
        self.world.run()

    def deletes_and_takes_back(self, person: Person) -> None:
        """Out of Deleted Items: revived, out of the trash too (rule 8.2)."""
        self.rest()
        if (held := self.event(person)) is None or held["attendees"]:
            return
        self.told.append(f"{person.email}: deletes {held['subject']} and takes it back")
        there = person.outlook.moves_to("deleteditems", held["id"])
        self.world.run()
        person.outlook.moves_to("calendar", there)
        self.world.run()

    # -- runs and trouble

    def runs(self, person: Person) -> None:
        flags = self.random.choice([(), (), ("--reconcile",)])
        self.told.append(f"{person.email}: runs {flags}")
        person.runs(*flags)

    def the_wire_fails(self, person: Person) -> None:
        kind, details = self.random.choice([("drop", {}), ("status", {"status": 502}), ("throttle", {"seconds": 1})])
        when = {"nth": self.random.randint(1, 6)}
        if kind == "drop":
            when["side"] = self.random.choice(["before", "after"])
        self.told.append(f"wire: {kind} {when} while {person.email} runs")
        self.world.sandbox.fault(kind, {"protocol": self.world.protocol}, when, **details)
        person.runs()
        self.world.sandbox.clear_faults()
        while kind == "throttle" and person.runs()["error"] == "throttled":
            time.sleep(0.1)  # what a server asks for is waited by the real clock

    def a_token_is_forgotten(self, _: Person) -> None:
        """At rest, so that nobody is asked what becomes of entries that went meanwhile (rule 8.5)."""
        self.rest()
        self.told.append("wire: all tokens are forgotten")
        operation = "SyncFolderItems" if self.world.protocol == "ews" else "calendarView.delta"
        self.world.sandbox.fault("stale", {"operation": operation}, {"times": 2})
        assert self.world.synced().writes == 0, "a refused token made us write"
        self.world.sandbox.clear_faults()

    # -- mail

    def _is_meeting(self, title: str) -> bool:
        return any(
            one["attendees"]
            for person in self.people
            for one in person.outlook.entries
            if one["subject"].removeprefix(CALLED_OFF) == title
        )

    def _allows(self, kind: str, title: str) -> None:
        """A change of a meeting in the PSA goes to its guests (rule 4.6)."""
        for person in self.people:
            # What is called differently on either side for now is a meeting for all we know.
            hers = [one for one in person.outlook.entries if one["attendees"] and _is_hers(one)]
            if hers:
                # One request, and so one mail, for the series and for each date that has something of its own.
                dates = max(len(one.get("exceptions", ())) for one in hers)
                self.may_mail[kind, self._other(person).email] += 1 + dates

    # -- rest

    def rest(self) -> None:
        self.told.append("they rest")
        for _ in range(8):
            self.world.later(hours=3)
            report = self.world.run()
            if not (report.writes or report.errors or report.set_aside or self._clears_away()):
                break
        else:
            raise AssertionError(f"it does not come to rest: {report}")
        mailed = self.world.mails - self.world.mails_allowed
        assert mailed <= self.may_mail, f"{mailed} mailed, {self.may_mail} allowed"
        self.world.mails_allowed = self.world.mails
        self.may_mail.clear()
        self.world.figures.clear()  # a write is counted against its edit where nothing fails: in the acceptance cases
        self.world.is_at_rest(report)
        self._private_is_private()
        self._nothing_is_twice_or_invented()
        self._nothing_is_lost()

    def _clears_away(self) -> bool:
        """Copies of meetings and dates that were called off are their owners' to remove (rule 8.2)."""
        gone = [
            (person, one["id"], on, one["subject"])
            for person in self.people
            for one in person.outlook.entries
            for on, subject in ((None, one["subject"]), *_dates(one))
            if subject.startswith(CALLED_OFF)
        ]
        for person, id, on, subject in gone:
            with self.acting(person.email, f"clears {subject} {on or ''} away"):
                person.outlook.deletes(id, on=on)
        return bool(gone)

    def _private_is_private(self) -> None:
        """On both sides of an owner's entry (rules 1.6, 1.7)."""
        for person in self.people:
            owned = [one for one in person.activities if (one["ownerUser"] or {}).get("guid") == person.guid]
            here = {one["name"] for one in owned if one["activityType"]["name"] == "Private"}
            there = {one["subject"] for one in person.outlook.entries if one["sensitivity"] != "normal"}
            differ = (here ^ there) & {one["name"] for one in owned}
            assert not differ, f"private on one side of {person.email}: {differ}"

    def _nothing_is_twice_or_invented(self) -> None:
        """One entry once in each place, and one meeting one activity (rule 4.3)."""
        activities = {one["guid"]: one["name"] for person in self.people for one in person.activities}
        places = [list(activities.values())]
        for person in self.people:  # who declined a series may be asked to several of its dates alone
            places.append([one["subject"] for one in person.outlook.entries if not self.world.is_one_date(one)])
        for titles in places:
            assert len(titles) == len(set(titles)), f"twice: {Counter(titles) - Counter(set(titles))}"
        shown = {one for one in self.all_titles() if not one.startswith(ANCHOR)}
        assert shown <= self.record.typed, f"typed by nobody: {shown - self.record.typed}"

    def _nothing_is_lost(self) -> None:
        lost = self.record.typed - self.record.discarded - self.all_titles()
        if lost:
            rows = [row for p in self.people for row in p.ask("GET", "/api/me/history", limit=200)]
            lost -= {
                str(field[side]) for row in rows for field in row["fields"] for side in ("before", "after", "lost")
            }
        assert not lost, f"typed by a person and nowhere to be found: {lost}"


def _dates(event: Held) -> list[tuple[date, str]]:
    """Changed dates of a series that is not called off itself, with their titles."""
    if event["subject"].startswith(CALLED_OFF):
        return []
    changed = event.get("exceptions", ())
    return [(date.fromisoformat(one["original"]), one["subject"]) for one in changed if "subject" in one]


def _is_hers(event: Held) -> bool:
    return not event["attendees"] or event["my_response"] == "organizer"


#: How often each comes, against the others.
STEPS: dict[Callable[[Days, Person], None], int] = {
    Days.makes_in_the_psa: 3,
    Days.makes_in_outlook: 3,
    Days.edits_in_the_psa: 5,
    Days.edits_in_outlook: 5,
    Days.writes_more_in_the_psa: 1,
    Days.writes_more_in_outlook: 2,
    Days.deletes_in_the_psa: 2,
    Days.deletes_in_outlook: 2,
    Days.takes_part: 3,
    Days.takes_no_part_any_longer: 1,
    Days.calls_a_meeting: 2,
    Days.answers: 2,
    Days.answers_in_the_psa: 1,
    Days.moves_away_and_back: 1,
    Days.deletes_and_takes_back: 1,
    Days.runs: 2,
    Days.the_wire_fails: 4,
    Days.a_token_is_forgotten: 1,
}
