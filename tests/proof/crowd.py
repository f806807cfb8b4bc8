"""Many people behind servers that ask some of them to wait, and the workers that run their mailboxes."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, NamedTuple

from django.db.models import F

from samklang.accounts.models import Organization, User
from samklang.accounts.services import add_user
from samklang.activities import services as activities
from samklang.activities.models import Activity
from samklang.engine.model import Timed
from samklang.mailboxes import services
from samklang.mailboxes.models import Connection, Mailbox, Run, SignIn
from tests.installation import APP, PASSWORD, SECRET, TENANT, ZONE, Installation
from tests.jobs.world import no_jobs_left
from tests.sandbox_client import Sandbox

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
#: Seconds nobody waits out here: who is to wait so long is held until `time_comes`.
LONG = 3600.0
WORKERS = 2


_TENANTS = {"Nordhavn": TENANT, "Sydhavn": "5a3c1a9e-0000-4000-8000-00000000f1ff"}


class Wait(NamedTuple):
    """What a server answers somebody once, instead of serving an operation, or after it."""

    operation: str
    kind: str
    what: dict[str, Any]
    #: Seconds he is to wait; None: it is not said.
    seconds: float | None
    side: str = "before"


#: What his tenant's sign-in answers instead of a token, for all of them together.
_NO_TOKEN = Wait("token", "status", {"status": 429, "headers": {"Retry-After": f"{LONG:.0f}"}, "body": "{}"}, LONG)


def waits(protocol: str) -> list[Wait]:
    """Every form a server has for it (EWS facts §2.9, Graph facts §5.2), at every kind of request of a first run."""
    if protocol == "ews":
        busy = {"code": "ErrorServerBusy"}
        return [
            Wait("GetFolder", "throttle", {"back_off_ms": LONG * 1000}, LONG),
            Wait("SyncFolderItems", "soap_fault", {**busy, "back_off_ms": 1500}, 1.5),
            Wait("GetItem", "response_code", {**busy, "item": 0, "back_off_ms": LONG * 1000}, LONG),
            Wait("SyncFolderItems", "status", {"status": 503, "headers": {"Retry-After": "1"}}, 1),
            Wait("CreateItem", "status", {"status": 503, "headers": {"Retry-After": f"{LONG:.0f}"}}, LONG, "after"),
            Wait("CreateItem", "response_code", {**busy, "back_off_ms": 1000}, 1),
            Wait("SyncFolderItems", "soap_fault", busy, None),
        ]
    return [
        Wait("calendarView.delta", "throttle", {"form": "seconds", "seconds": LONG}, LONG),
        Wait("calendarView.delta", "throttle", {"form": "fractional", "seconds": 1}, 1.128),
        Wait("events.list", "throttle", {"form": "date", "seconds": LONG}, LONG),
        Wait("events.list", "throttle", {"form": "seconds", "seconds": 1, "status": 503}, 1),
        Wait("events.create", "status", {"status": 503, "headers": {"Retry-After": f"{LONG:.0f}"}}, LONG, "after"),
        Wait("events.create", "throttle", {"form": "seconds", "seconds": 1}, 1),
        Wait("events.list", "throttle", {"form": "absent"}, None),
    ]


class Crowd(Installation):
    """So many people, each with an entry of his own on either side. Of ten, six are served as they come. Over Graph
    one in ten is of another organization, whose tenant's sign-in asks all of it to wait."""

    def __init__(self, sandbox: Sandbox, protocol: str, people: int) -> None:
        super().__init__(sandbox, protocol, NOW, "nordhavn.example")
        self.waits: dict[str, Wait | None] = {}
        self._founds("Nordhavn")
        if protocol == "graph":
            self._founds("Sydhavn")
        orders = cycle(waits(protocol))
        for number in range(people):
            elsewhere = protocol == "graph" and number % 10 == 9
            order = _NO_TOKEN if elsewhere else next(orders) if number % 10 in (2, 4, 6, 9) else None
            self._moves_in("Sydhavn" if elsewhere else "Nordhavn", number, order)

    def _founds(self, name: str) -> None:
        domain, here = f"{name.lower()}.example", ("--org", name)
        self._mailbox(f"admin@{domain}")
        self.add_user(f"admin@{domain}", "Admin", name, "--admin")
        if self.protocol == "ews":
            self.connect(name)
            return
        app = {"client_id": APP, "secret": SECRET, "consented": True, "roles": ["Calendars.ReadWrite", "User.Read.All"]}
        self.sandbox.tenant(_TENANTS[name], domains=[domain], apps=[app])
        self.done("connection", "set", "--version", "office365", "--tenant", _TENANTS[name], "--types", "all", *here)
        self.done("connection", "test", *here)
        self.done("connection", "enable", *here)

    def _mailbox(self, address: str) -> None:
        company = address.partition("@")[2].partition(".")[0].title()
        of = {"tenant": _TENANTS[company]} if self.protocol == "graph" else {}
        self.sandbox.mailbox(address, zone=ZONE, **of)

    def _moves_in(self, company: str, number: int, order: Wait | None) -> None:
        """By services: for a thousand, commands would take minutes."""
        address = f"user{number}@{company.lower()}.example"
        self.waits[address] = order
        if order not in (None, _NO_TOKEN):
            where = {"protocol": self.protocol, "operation": order.operation, "mailbox": address}
            self.sandbox.fault(order.kind, where, {"times": 1, "side": order.side}, **order.what)
        self._mailbox(address)
        start = NOW + timedelta(days=1 + number % 20)
        end = start + timedelta(hours=1)
        times = {"start": start.isoformat(), "end": end.isoformat()}
        self.sandbox.person_creates(address, subject=f"Event {number}", **times)
        organization = Organization.objects.get(name=company)
        user = add_user(organization, address, f"User {number}", password=PASSWORD, zone=ZONE)
        activities.create(user, name=f"Activity {number}", when=Timed(start, end, ZONE))

    def switch_on(self) -> None:
        if self.protocol == "graph":
            Connection.objects.filter(organization__name="Sydhavn").update(token_cache="")
            self.sandbox.fault("status", {"protocol": "login", "operation": "token"}, {"times": 1}, **_NO_TOKEN.what)
        self.sandbox.zero_counts()
        for user in User.objects.filter(email__in=self.waits):
            services.switch_on(user, NOW, unseen=True)

    def tokens_asked_for(self) -> int:
        return sum(int(counts["token_requests"]) for counts in self.sandbox.counts().values())

    def those(self, *seconds: float | None) -> set[str]:
        """Whom the server asks to wait so long."""
        return {address for address, order in self.waits.items() if order is not None and order.seconds in seconds}

    @property
    def held(self) -> set[str]:
        return self.those(LONG)

    @property
    def free(self) -> set[str]:
        """Whom no server asks to wait."""
        return {address for address, order in self.waits.items() if order is None}

    @property
    def finished(self) -> set[str]:
        return set(
            Mailbox.objects.filter(first_run_done=True, seq=F("synced_seq")).values_list("user__email", flat=True)
        )

    @property
    def told_to_wait(self) -> set[str]:
        return set(Mailbox.objects.filter(error_code="throttled").values_list("user__email", flat=True))

    def runs(self, people: set[str]) -> Counter[int]:
        """How many of these people had how many runs."""
        rows = Counter(
            Run.objects.filter(mailbox__user__email__in=people).values_list("mailbox__user__email", flat=True)
        )
        return Counter(rows[address] for address in people)

    def too_early(self) -> int:
        """Requests the server got of somebody it had told to wait."""
        return sum(int(counts["during_back_off"]) for counts in self.sandbox.counts().values())

    def time_comes(self) -> None:
        """For everybody who waits: real time, which no test moves."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        Mailbox.objects.filter(wait_until__isnull=False).update(wait_until=past)
        Mailbox.objects.filter(failures__gt=0).update(next_due=past)
        SignIn.objects.update(until=past)

    def here(self) -> dict[str, list[str]]:
        """Titles of everybody's activities, sorted."""
        titles: dict[str, list[str]] = {address: [] for address in self.waits}
        for owner, name in Activity.objects.order_by("name").values_list("owner__email", "name"):
            titles[owner].append(name)
        return titles

    def there(self) -> dict[str, list[str]]:
        """Titles of everybody's events, sorted."""
        return {address: sorted(one["subject"] for one in self.sandbox.entries(address)) for address in self.waits}

    def everything(self) -> dict[str, list[str]]:
        """What everybody is to have on both sides."""
        return {address: [f"Activity {n}", f"Event {n}"] for n, address in enumerate(self.waits)}


@contextmanager
def working() -> Iterator[None]:
    """Some `samklang worker`, each a process."""
    with ExitStack() as stack:
        command = [sys.executable, "-m", "samklang", "worker"]
        workers = [stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL)) for _ in range(WORKERS)]
        try:
            yield
            assert all(worker.poll() is None for worker in workers)
        finally:
            for worker in workers:
                worker.terminate()
    no_jobs_left()
