"""What is measured of whole runs, and how it is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from samklang.cli.bench import entries
from samklang.cli.bench.place import Place, Run
from samklang.cli.output import Failure
from samklang.clock import real_now

Changes = list[tuple[Callable[[], object], int]]
#: Entries a calendar of the counting measurements holds.
_SOME = 20


@dataclass(frozen=True)
class Writes:
    """Writes that changes on either side led to."""

    #: Changes made, each of which must reach so many places: the other calendar, and that of a colleague taking part.
    changes: int
    places: int
    #: Counted by the sandbox; and by the journal, which must say the same of Exchange.
    exchange: int
    psa: int
    journal_exchange: int
    mails: int

    @property
    def per_place(self) -> float:
        return round((self.exchange + self.psa) / self.places, 3)


@dataclass(frozen=True)
class Idle:
    """What one run costs a mailbox where nothing changed, counted by the sandbox."""

    requests: int
    #: Log-on legs and token requests, which are no requests for data.
    logons: int
    token_requests: int
    writes: int


@dataclass(frozen=True)
class FirstRun:
    entries: int
    seconds: float
    #: Seconds of processor time, our process alone.
    cpu: float

    @property
    def per_second(self) -> float:
        return round(self.entries / self.seconds, 1)


@dataclass(frozen=True)
class Memory:
    """Peak resident memory of one process that runs one mailbox, bytes."""

    small: int
    large: int
    first_small: int
    first_large: int
    idle_small: int
    idle_large: int

    @property
    def first_per_entry(self) -> int:
        return (self.first_large - self.first_small) // (self.large - self.small)

    @property
    def idle_per_entry(self) -> int:
        return (self.idle_large - self.idle_small) // (self.large - self.small)


# --- first run and memory ------------------------------------------------------------------------------------------


def first_run(place: Place, protocol: str, size: int) -> FirstRun:
    """Half of the entries stand in the PSA and half in Exchange; all are on both sides afterwards."""
    person = place.person(protocol)
    place.fill_psa(person, _calendar(size - size // 2, "psa"))
    place.fill_exchange(person, _calendar(size // 2, "exchange"))
    run = place.sync(person)
    _must_have_created(run, size)
    return FirstRun(size, round(run.seconds, 2), round(run.cpu, 2))


def memory(place: Place, small: int, large: int) -> Memory:
    """First runs that bring a whole mailbox across (EWS), and idle runs over as many links."""
    first, idle = [], []
    for size in (small, large):
        person = place.person("ews")
        place.fill_exchange(person, _calendar(size, "memory"))
        run = place.sync(person)
        _must_have_created(run, size)
        first.append(run.peak)
        idle.append(place.sync(person).peak)
    return Memory(small, large, *first, *idle)


def _must_have_created(run: Run, size: int) -> None:
    created = run.report["psa"]["created"] + run.report["exchange"]["created"]
    if created != size or run.report["error"] or run.report["set_aside"]:
        raise Failure(f"The first run created {created} of {size} entries: {run.report}")


def _calendar(size: int, name: str) -> bytes:
    return entries.calendar(size, real_now() + timedelta(days=1), name=name)


# --- counted: idle requests and writes ----------------------------------------------------------------------------


def idle(place: Place, protocol: str) -> Idle:
    """A run of a mailbox whose last run had nothing to do either."""
    person = _settled(place, protocol)
    place.forget_counts()
    place.sync(person)
    # Of everything that was asked meanwhile, by whomever: a request for a token belongs to no mailbox.
    counted = place.control.get("/counts").values()
    return Idle(
        requests=sum(each["requests"] for each in counted),
        logons=sum(each["logons"] for each in counted),
        token_requests=sum(each["token_requests"] for each in counted),
        writes=sum(sum(each["writes"].values()) for each in counted),
    )


def writes(place: Place, protocol: str) -> Writes:
    """A person's changes, in Outlook and then in the PSA, alone and in an activity a colleague takes part in."""
    owner, colleague = _settled(place, protocol), _settled(place, protocol)
    people = (owner, colleague)
    psa, exchange = _PsaPerson(place, owner), _ExchangePerson(place, owner)
    shared = psa.create("shared", with_colleague=colleague)
    _run_until_settled(place, people)
    #: Each with the places it must reach.
    in_outlook: Changes = [
        (exchange.create, 1),
        (lambda: exchange.change(1, subject="another subject"), 1),
        (lambda: exchange.move(2), 1),
        (lambda: exchange.change_occurrence("another subject of one"), 1),
        (lambda: exchange.delete(3), 1),
        (lambda: exchange.change_titled("shared", location="another place"), 2),
    ]
    in_psa: Changes = [
        (lambda: psa.create("mine"), 1),
        (lambda: psa.change(11, name="another name"), 1),
        (lambda: psa.move(12), 1),
        (lambda: psa.change_occurrence("another name of one"), 1),
        (lambda: psa.trash(13), 1),
        (lambda: psa.change_guid(shared, location="a third place"), 2),
    ]
    place.forget_counts()
    before = {person: place.journal(person) for person in people}
    for changes in (in_outlook, in_psa):
        for change, _places in changes:
            change()
        _run_until_settled(place, people)
    counted = [place.counts(person) for person in people]
    after = {person: place.journal(person) for person in people}
    written = {side: sum(after[p][side] - before[p][side] for p in people) for side in ("psa", "exchange")}
    return Writes(
        changes=len(in_outlook) + len(in_psa),
        places=sum(places for _change, places in in_outlook + in_psa),
        exchange=sum(sum(each["writes"].values()) for each in counted),
        psa=written["psa"],
        journal_exchange=written["exchange"],
        mails=sum(each["mails"] for each in counted),
    )


def _settled(place: Place, protocol: str) -> str:
    """A person with the same calendar on both sides and nothing left to say: not even the echo of our own writes."""
    person = place.person(protocol)
    place.fill_psa(person, _calendar(_SOME, "psa"))
    place.fill_exchange(person, _calendar(_SOME, "exchange"))
    for _ in range(3):
        place.run(person)
    return person


def _run_until_settled(place: Place, people: tuple[str, ...]) -> None:
    """Twice each: what one run wrote another may have to carry further, and must not write back."""
    for _ in range(2):
        for person in people:
            place.run(person)


class _ExchangePerson:
    """What somebody does in Outlook; entries are counted from the calendar `_settled` made."""

    def __init__(self, place: Place, address: str) -> None:
        self._control = place.control
        self._path = f"/mailboxes/{address}/entries"

    def create(self) -> None:
        start = real_now().replace(microsecond=0) + timedelta(days=40)
        body = {"subject": "new", "start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        self._control.post(self._path, body)

    def change(self, number: int, **values: str) -> None:
        self.change_titled(f"exchange {number}", **values)

    def change_titled(self, title: str, **values: str) -> None:
        self._control.patch(f"{self._path}/{self._found(title)['id']}", values)

    def move(self, number: int) -> None:
        entry = self._found(f"exchange {number}")
        later = {name: datetime.fromisoformat(entry[name]) + timedelta(hours=2) for name in ("start", "end")}
        self.change(number, **{name: moment.isoformat() for name, moment in later.items()})

    def change_occurrence(self, subject: str) -> None:
        entry = self._found(f"exchange {entries.SERIES_EVERY - 1}")
        day = datetime.fromisoformat(entry["start"]).date() + timedelta(weeks=1)
        self._control.patch(f"{self._path}/{entry['id']}?occurrence={day}", {"subject": subject})

    def delete(self, number: int) -> None:
        self._control.delete(f"{self._path}/{self._found(f'exchange {number}')['id']}")

    def _found(self, title: str) -> dict[str, Any]:
        (found,) = (each for each in self._control.get(self._path) if each["subject"] == title)
        return dict(found)


class _PsaPerson:
    """What somebody does in the built-in calendar."""

    def __init__(self, place: Place, address: str) -> None:
        self._place = place
        self._user = place.user(address)

    def create(self, name: str, *, with_colleague: str | None = None) -> str:
        from samklang.activities import services
        from samklang.engine.model import Timed

        start = real_now().replace(second=0, microsecond=0) + timedelta(days=50)
        guests = [services.Guest(user=self._place.user(with_colleague))] if with_colleague else []
        when = Timed(start, start + timedelta(hours=1), "Europe/Stockholm")
        return str(services.create(self._user, name=name, when=when, participants=guests).guid)

    def change(self, number: int, **values: Any) -> None:
        self.change_guid(self._found(number).guid, **values)

    def change_guid(self, guid: str, **values: Any) -> None:
        from samklang.activities import services

        services.update(self._user, guid, **values)

    def move(self, number: int) -> None:
        from samklang.engine.model import Timed

        found, later = self._found(number), timedelta(hours=2)
        self.change(number, when=Timed(found.starts + later, found.ends + later, found.zone))

    def change_occurrence(self, name: str) -> None:
        from samklang.activities import services

        series = self._found(entries.SERIES_EVERY - 1)
        first: date = series.start_wall.date()
        services.update_occurrence(self._user, series.guid, first + timedelta(weeks=1), name=name)

    def trash(self, number: int) -> None:
        from samklang.activities import services

        services.trash(self._user, self._found(number).guid)

    def _found(self, number: int) -> Any:
        from samklang.activities.models import Activity

        return Activity.objects.of_person(self._user).get(name=f"psa {number}")
