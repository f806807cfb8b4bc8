"""An office for the acceptance cases: what its people do on either side, and what came of it.

Each person has two hands: `alice.makes(…)` is an act in the PSA, `alice.outlook.makes(…)` one in Outlook; no server
counts either as a write. Runs are `samklang sync run`; writes to Exchange and to Severa are those the sandbox counted,
never those we claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from samklang.engine.people import series_uid
from tests.acceptance.laid_out import laid_out
from tests.acceptance.outlook import Outlook
from tests.acceptance.people import Person
from tests.acceptance.psa import BuiltIn, Psa
from tests.acceptance.shown import activity_shown, event_shown, letters, places, whole
from tests.acceptance.when import NOW
from tests.installation import ZONE, Installation, User
from tests.sandbox_client import Sandbox

COMPANY = "Nordhavn Konsult"
ALICE, BOB = ("alice@example.org", "Alice Berg"), ("bob@example.org", "Bob Dahl")


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

    def __init__(
        self,
        sandbox: Sandbox,
        protocol: str,
        psa: Callable[[Installation], Psa] = BuiltIn,
        *,
        in_severa: bool = False,
        server: str = "se",
    ) -> None:
        """`in_severa`: the PSA is spoken to over Severa's REST API (rule 13 holds)."""
        super().__init__(sandbox, protocol, NOW, server=server)
        self.in_severa = in_severa
        self.psa = psa(self)
        for email, name in (ALICE, BOB):
            self.mailbox(email, name=name)
            self.psa.takes_in(email, name, ZONE)
        tokens = laid_out(f"{protocol} {server}", self._people_and_connection)
        self.psa.begins()
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

    @property
    def protocols(self) -> list[str]:
        """Those Samklang's requests to other systems are in."""
        return [self.protocol, *(["severa"] if self.in_severa else [])]

    def _people_and_connection(self) -> tuple[str, str]:
        """Their tokens."""
        alice, bob = super().add_user(*ALICE, COMPANY, "--admin"), super().add_user(*BOB, COMPANY)
        self.connect(COMPANY)
        return alice.token, bob.token

    def add_user(self, email: str, name: str, organization: str, *flags: str, zone: str = ZONE) -> User:
        if organization == COMPANY:
            self.psa.takes_in(email, name, zone)
        return super().add_user(email, name, organization, *flags, zone=zone)

    def outsider(self, address: str = "xenia@elsewhere.example", name: str = "Xenia") -> Outlook:
        """Somebody of another company, who uses Outlook."""
        self.sandbox.mailbox(address, name=name, zone=ZONE)
        return Outlook(self.sandbox, address)

    def person(self, email: str, name: str, *flags: str, zone: str = ZONE) -> Person:
        """Somebody more in the company; her mailbox is the case's to make."""
        return Person(self, email, self.add_user(email, name, COMPANY, *flags, zone=zone).token)

    def account_of(self, person: Person) -> str:
        """The id of somebody's account, as an administrator finds it who lists those who sync."""
        rows = self.alice.ask("GET", "/api/connection/users")
        return next(str(row["id"]) for row in rows if row["user"] == person.email)

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
        """A run of everybody who syncs, a little later; as often as there are people, so that all hear of all."""
        self.psa.lets_time_pass()
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
        assert self.psa.writes() == 0, "the next run wrote more than it says"
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
        here = Counter(activity_shown(one) for one in person.occurrences if whole(one) in kept)
        there = Counter(event_shown(one) for one in person.outlook.occurrences if not self.is_one_date(one))
        if self.one_sided_by:
            both = here & there
            assert here == both or there == both, (here - there, there - here)
        else:
            who = person.email
            assert here == there, f"{who}: only in the PSA: {here - there}; only in Exchange: {there - here}"
        texts_here = Counter((one["name"], letters(one["notes"] or "")) for one in kept.values())
        entries = [one for one in person.outlook.entries if not self.is_one_date(one)]
        texts_there = Counter((one["subject"].strip(), self._without_names(letters(one["text"]))) for one in entries)
        if not (self.one_sided_by or self.in_singles_by):
            assert texts_here == texts_there, (texts_here - texts_there, texts_there - texts_here)

    def _without_names(self, text: str) -> str:
        """Under the text of a meeting made again stand the names of who was invited (rule 7.2)."""
        names = [letters(name) for _, name in (ALICE, BOB)]
        while found := [name for name in names if text.endswith(name)]:
            text = text.removesuffix(found[0])
        return text

    def is_one_date(self, event: dict[str, Any]) -> bool:
        """An invitation to one date of a series that a colleague called has no activity of its own (rule 3.2)."""
        series = series_uid(event["uid"])
        if series == event["uid"]:
            return False  # as of nearly all: nobody's calendar need be listed
        return any(one["uid"] == series for person in self.syncing for one in person.outlook.entries)
