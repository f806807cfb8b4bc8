"""What Severa as the PSA costs: requests as Severa counts them, of several workers and everybody's mailboxes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from samklang.cli.bench import entries
from samklang.cli.bench.place import Place
from samklang.cli.output import Failure
from samklang.clock import real_now
from samklang.connectors.severa.client import ROWS
from samklang.connectors.severa.feed import OVERLAP
from samklang.connectors.severa.pace import MOST
from samklang.severa.polling import EVERY

#: Of ten activities one is a series, and in two somebody else takes part; of ten entries one is made in Exchange.
_IN_TEN = 10
#: Seconds between two looks, of nothing happening that count as the end, and at most.
_LOOK, _QUIET, _LONGEST = 0.5, 8.0, 3600.0


@dataclass(frozen=True)
class Quota:
    """Requests of all workers, tokens included, as the server counted them."""

    people: int
    workers: int
    #: In Severa and in Exchange when the first runs began; all are on both sides afterwards.
    activities: int
    events: int
    #: How many times faster than Severa's the server's second was, and ours.
    speed: int
    seconds: float
    requests: int
    #: What the same could have been had with: see `_least`.
    least: int
    by_operation: dict[str, int]
    #: Of the requests that came in any second of the server, and what it admitted in one.
    most_in_a_second: int
    admitted: int
    #: While nothing changed: requests of the whole organization, and how often Severa was asked.
    idle_requests: int
    idle_polls: int

    @property
    def idle_per_poll(self) -> float:
        return round(self.idle_requests / self.idle_polls, 2)


def quota(place: Place, people: int, workers: int, entries_each: int, speed: int, polls: int) -> Quota:
    """First runs of everybody at once, and then so many polls of which nothing comes. Raises Failure."""
    admitted = MOST * speed
    company = _Company(place, people, admitted)
    company.fill(entries_each)
    company.connect()
    place.forget_counts()
    with _working(workers, speed) as alive:
        begun = time.monotonic()
        company.switch_on()
        last = _until_quiet(company.requests, company.is_done, alive)
        seconds, first = last - begun, company.counts()
        # Until then a poll lists again what the one before told of.
        time.sleep(OVERLAP.total_seconds())
        place.forget_counts()
        polls = company.polls(polls, alive)
        idle = company.counts()
    return Quota(
        people=people,
        workers=workers,
        activities=company.activities,
        events=company.events,
        speed=speed,
        seconds=round(seconds, 1),
        requests=_all_of(first),
        least=company.least(),
        by_operation=first["by_operation"],
        most_in_a_second=first["max_per_second"],
        admitted=admitted,
        idle_requests=_all_of(idle),
        idle_polls=polls,
    )


class _Company:
    """Its activities are in the sandbox's Severa, its mailboxes on the sandbox's Exchange 2013."""

    def __init__(self, place: Place, people: int, admitted: int) -> None:
        from samklang.activities.types import found_organization

        self._place, self._control = place, place.control
        self.key = f"bench{admitted}"
        self._control.put("/severa", {"requests_per_second": admitted})
        client = {"client_id": self.key, "secret": self.key}
        self._control.put("/severa/organizations", {"key": self.key, "clients": [client]})
        self._control.post(f"/severa/organizations/{self.key}/types", {"name": "Meeting", "category": "CalendarEntry"})
        self.organization = found_organization(self.key, language="en", zone="Europe/Stockholm")
        self.people = [self._person(number) for number in range(people)]
        self.activities = self.events = self.series = self.links = 0

    def _person(self, number: int) -> str:
        address = self._place.member(self.organization)
        names = {"first_name": "Person", "last_name": str(number), "zone": "Europe/Stockholm"}
        self._control.post(f"/severa/organizations/{self.key}/users", {"email": address, **names})
        return address

    def fill(self, each: int) -> None:
        """So many entries of everybody, most of them in Severa."""
        start = real_now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
        for number, address in enumerate(self.people):
            # Single ones: a series made in another zone than its owner's is none in Severa (rule 13.5).
            born_in_exchange = min(each // _IN_TEN, entries.SERIES_EVERY - 1)
            calendar = entries.calendar(born_in_exchange, start, name=f"outlook {number}")
            self._place.fill_exchange(address, calendar)
            self.events += born_in_exchange
            self.links += born_in_exchange
            for entry in range(each - born_in_exchange):
                self._activity(address, self.people[number - 1], entry, start + timedelta(hours=entry))

    def _activity(self, owner: str, colleague: str, entry: int, start: Any) -> None:
        times = {"start": start.isoformat(), "end": (start + timedelta(minutes=45)).isoformat()}
        more: dict[str, Any] = {}
        if entry % _IN_TEN == 0:
            more = {"recurrence": _WEEKLY | {"pattern": {"weekly": {"interval": 1, f"{start:%A}".lower(): True}}}}
            self.series += 1
        made = self._control.post(f"/severa/users/{owner}/activities", {"name": f"severa {entry}", **times, **more})
        if entry % 5 == 1 and colleague != owner:
            self._control.post(f"/severa/activities/{made['guid']}/participants", {"who": colleague})
            self.links += 1
        self.activities += 1
        self.links += 1

    def connect(self) -> None:
        """Everything is tested and confirmed, and the activities are Severa's from now on."""
        from samklang.clock import now
        from samklang.severa import services

        arrangement = services.arrangement_of(self.organization)
        url = f"{self._place.urls['severa']}/v1"
        services.save(arrangement, {"url": url, "client_id": self.key, "secret": self.key}, by=None)
        failed = [step for step in services.test(arrangement, self.people[0], by=None) if not step.ok]
        if failed:
            raise Failure(f"The sandbox refused: {failed[0].name}: {failed[0].sentence}")
        services.confirm(arrangement, True, None, now())
        types = self._control.get(f"/severa/organizations/{self.key}/types")
        services.set_ticks(arrangement, [one["guid"] for one in types], by=None)
        services.switch_on(arrangement, by=None)

    def switch_on(self) -> None:
        from samklang.accounts.models import User
        from samklang.clock import now
        from samklang.mailboxes import services as mailboxes

        for user in User.objects.of(self.organization):
            mailboxes.switch_on(user, now(), unseen=True)

    def counts(self) -> dict[str, Any]:
        return dict(self._control.get(f"/counts/{self.key}"))

    def requests(self) -> int:
        return _all_of(self.counts())

    def is_done(self) -> bool:
        """Everybody has what is his: events for what he owns or takes part in, activities for his events."""
        from samklang.mailboxes.models import LinkRow, Mailbox

        ours = Mailbox.objects.filter(user__organization=self.organization)
        # Throttled: the others wait while one of them reads everything for all.
        if broken := ours.exclude(error_code__in=("", "throttled")).values_list("error_code", flat=True).first():
            raise Failure(f"A mailbox is in error: {broken}")
        linked = LinkRow.objects.filter(mailbox__in=ours, psa_id__isnull=False, item_id__isnull=False).count()
        return linked >= self.links and not ours.filter(first_run_done=False).exists()

    def polls(self, wanted: int, alive: Callable[[], bool]) -> int:
        """Wait for so many polls; how many there were."""
        from samklang.severa.models import Arrangement

        seen, end = set(), time.monotonic() + wanted * EVERY.total_seconds()
        row = Arrangement.objects.filter(organization=self.organization)
        while time.monotonic() < end:
            if not alive():
                raise Failure("A worker ended.")
            seen.add(row.values_list("poll_due", flat=True).get())
            time.sleep(_LOOK)
        return len(seen) - 1

    def least(self) -> int:
        """Requests without which the first runs cannot be: pages of single activities, of series and of changed dates,
        the participants of each activity, for which Severa has no bulk route, and one for each that is made there.

        A token, users and types are known from the test. Polls that come meanwhile, two requests each, are not among
        them."""
        pages = _pages(self.activities - self.series) + _pages(self.series) + 1
        return pages + self.activities + self.events


_WEEKLY: dict[str, Any] = {"frequency": "Weekly", "range": {"maxOccurrences": 8}}


def _pages(rows: int) -> int:
    return max(1, -(-rows // ROWS))


def _all_of(counts: Mapping[str, Any]) -> int:
    return int(counts["requests"])


@contextmanager
def _working(workers: int, speed: int) -> Iterator[Callable[[], bool]]:
    """So many `samklang worker`; yields whether all still run."""
    environment = os.environ | {"SAMKLANG_TEST_MODE": "1", "SAMKLANG_TEST_SEVERA_SPEED": str(speed)}
    command = [sys.executable, "-m", "samklang", "worker"]
    running = [subprocess.Popen(command, env=environment) for _ in range(workers)]  # noqa: S603
    try:
        yield lambda: all(process.poll() is None for process in running)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _until_quiet(requests: Callable[[], int], done: Callable[[], bool], alive: Callable[[], bool]) -> float:
    """When the last request came, once everything is done and none has come for a while."""
    begun = last = time.monotonic()
    sent = 0
    while True:
        if not alive() or time.monotonic() - begun > _LONGEST:
            raise Failure("The first runs did not come to an end; what the workers said is above.")
        if (now := requests()) != sent:
            sent, last = now, time.monotonic()
        elif time.monotonic() - last > _QUIET and done():
            return last
        time.sleep(_LOOK)
