"""What every part of a plan looks at: the observation, the rules, the moment, and what waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from samklang.engine import recurrence, times
from samklang.engine.actions import Observation, PutAside
from samklang.engine.changes import Pair, pair
from samklang.engine.materialize import day_of, whole_id
from samklang.engine.merge import IN_STEP, ServerClocks
from samklang.engine.model import ColleagueLink, Entry, Link, Recurrence, SeenActivity, SeenEvent, SetAside, Side
from samklang.engine.people import organizer_of, series_uid
from samklang.engine.rules import Rules

#: Reasons that keep a part of an entry waiting while the rest of it goes on.
PARTIAL = frozenset({"occurrence_crosses_neighbour", "meeting_would_mail"})


@dataclass(frozen=True)
class Context:
    seen: Observation
    rules: Rules
    #: Aware UTC.
    now: datetime
    clocks: ServerClocks = IN_STEP
    aside: Mapping[tuple[Side, str], SetAside] = field(default_factory=dict)

    def pair(self, link: Link) -> Pair:
        """Both sides of a link as this run saw them."""
        seen = self.seen
        activity, event = seen.activities.get(link.psa_id or ""), seen.events.get(link.item_id or "")
        return pair(link, activity, event, self.rules, seen.gone_activities, seen.gone_events)

    def waits(self, side: Side, entry_id: str | None, version: str | None) -> bool:
        """True while an entry is set aside whole, its retry is not due and it is as it was then (rule 10.1)."""
        waiting = self.aside.get((side, entry_id or ""))
        if waiting is None or waiting.code in PARTIAL:
            return False
        due = waiting.retry_at is not None and waiting.retry_at <= self.now
        return not due and version in (None, waiting.version)

    def shared(self, event: SeenEvent) -> ColleagueLink | None:
        """The same meeting in a colleague's mailbox. Only meetings join by UID (rule 3.2); of several activities that
        have one identity the first that is linked counts, then what a mark tells."""
        if not (event.is_meeting and event.uid):
            return None
        same = (one for one in self.seen.colleagues if one.uid == event.uid)
        return min(same, key=lambda one: (not one.linked, one.psa_id, one.address), default=None)

    def is_one_date(self, event: SeenEvent) -> bool:
        """An invitation to one date of a series that a colleague's mailbox has linked, or will by itself (rule 3.2)."""
        whole = series_uid(event.uid)
        if not event.is_meeting or event.is_organizer or whole == event.uid:
            return False
        caller = organizer_of(event)
        known = self.rules.people.of_address(caller.address) if caller else None
        return any(one.linked and one.uid == whole for one in self.seen.colleagues) or (
            known is not None and known.syncs
        )

    def put_aside(
        self, seen: SeenActivity | SeenEvent, code: str, link: Link | None = None, **params: str
    ) -> list[PutAside]:
        """Set an entry aside as it is now, unless it waits so for this very reason already."""
        side = Side.PSA if isinstance(seen, SeenActivity) else Side.EXCHANGE
        before = self.aside.get((side, seen.id))
        if before is not None and (before.code, dict(before.params), before.version) == (code, params, seen.version):
            return []
        return [PutAside(SetAside(side, seen.id, code, params, version=seen.version), link)]

    def refuse_rule(self, seen: SeenActivity | SeenEvent | None, link: Link | None = None) -> list[PutAside] | None:
        """Set aside what repeats in a way no pattern holds (rule 5.5); None if it does not."""
        if seen is None or seen.entry.recurrence is None:
            return None
        reason = recurrence.problem(seen.entry.recurrence, times.local_day(seen.entry.when))
        return self.put_aside(seen, "recurrence_inexpressible", link, reason=reason) if reason else None

    def is_over(self, entry: Entry) -> bool:
        """True when no occurrence is left that is not over (rule 8.2)."""
        return not recurrence.has_future(entry, self.now, self.rules.zone)

    def is_in_series(self, link: Link) -> bool:
        """True for the link of an occurrence whose series is no longer taken apart, and still gives its date (5.5)."""
        day = day_of(link.item_id or "")
        series = self.seen.events.get(whole_id(link.item_id or ""))
        return day is not None and series is not None and day in recurrence.slot_days(series.entry, day, day)

    def is_too_old(self, entry: Entry) -> bool:
        """True when it ended more than 30 days before the first run (rule 3.3)."""
        end = recurrence.last_end(entry, self.rules.zone)
        return end is not None and times.is_before_cut_off(end, self.rules.started_on, self.rules.zone)

    def ended_slots(self, entry: Entry) -> Recurrence | None:
        """The series cut after its last occurrence that is over; None when none is (rule 8.2)."""
        rule = entry.recurrence
        if not isinstance(rule, Recurrence):
            return None
        start = times.local_day(entry.when)
        today = times.add_days(times.to_wall(self.now, self.rules.zone).date(), 1)
        over = None
        for day in recurrence.days(rule, start, start, today):
            if times.end_of(recurrence.slot(entry, day), self.rules.zone) <= self.now:
                over = day
        if over is None:
            return None
        return replace(recurrence.explicit(rule, start), until=over, count=None)
