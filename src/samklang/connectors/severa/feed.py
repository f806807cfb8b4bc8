"""What changed in an organization's Severa, read once for all its mailboxes into the mirror (Severa facts §5.1-5.3).

A *poll* asks for what changed since the last one, by Severa's clock and with some overlap: singles, and in turn series
and changed occurrences; two requests when nothing did. A *complete listing* finds what is deleted, for Severa names no
deletions: an activity is believed to be gone when it is missing from one and asked for by id is not there (rule 8.1).
Occurrences are never listed: a series is its pattern.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from samklang.connectors.severa import people, wire
from samklang.connectors.severa.client import Query, SeveraClient
from samklang.connectors.severa.directory import Directory
from samklang.connectors.severa.findings import Findings
from samklang.connectors.severa.mirror import Mirror, Row
from samklang.connectors.severa.schema import Activity, Participant, Whole
from samklang.engine import times
from samklang.engine.model import Category
from samklang.sync.errors import NotFound

#: A poll looks back so far behind the last one: clocks differ, and what was being written then was not shown.
OVERLAP = timedelta(minutes=2)
#: What ended longer ago is not listed; more than rule 3.3 needs.
PAST = times.CUT_OFF + timedelta(days=10)


class State(msgspec.Struct, omit_defaults=True):
    """How far the mirror goes."""

    #: By Severa's clock: changes before this are in the mirror.
    heard: datetime | None = None
    #: By ours.
    polled: datetime | None = None
    listed: datetime | None = None
    #: By ours, when the participants of all activities were first read, and last of those that have some.
    began: datetime | None = None
    people_read: datetime | None = None
    #: The next poll asks for changed occurrences, not for series.
    occurrences_next: bool = False


class Feed:
    """One organization's activities, through one client. Not to be shared between threads.

    `fresh`, `complete`, `people`: how old the last poll, the last complete listing and what was last read of those who
    take part may be before they are read again; people by themselves only where Severa does not tell of them.
    """

    def __init__(
        self,
        client: SeveraClient,
        mirror: Mirror,
        directory: Directory,
        findings: Findings,
        *,
        now: Callable[[], datetime],
        fresh: timedelta,
        complete: timedelta,
        people: timedelta,
    ) -> None:
        self._client = client
        self._mirror = mirror
        self._directory = directory
        self._findings = findings
        self._now = now
        self._fresh = fresh
        self._complete = complete
        self._people = people

    def refresh(self) -> None:
        """Bring the mirror up to date, unless somebody else just did."""
        if self._is_fresh(self._state()):
            return
        with self._mirror.alone("read"):
            state = self._state()
            if self._is_fresh(state):
                return
            if state.heard is not None:
                # What a complete listing leaves out, being over for long, may have changed as well.
                self._poll(state)
            if state.listed is None or self._now() - state.listed >= self._complete:
                self._list(state)

    def mistrust(self) -> None:
        """Something was not where the mirror has it: let the next refresh list everything."""
        state = self._state()
        state.listed = state.polled = None
        self._save(state)

    def look_for_memberships(self, user_id: str) -> None:
        """Bring what a user was added to into the mirror, where Severa may not tell of it by itself."""
        state = self._state()
        just_begun = state.began is not None and self._now() - state.began < self._complete
        if just_begun or self._findings.found.participants_touch:
            return
        mine = [("userGuids", user_id), ("includeAsMember", "true")]
        opens = [("startDateTime", as_query(self._now() - PAST))]
        for kind, span in (("None", opens), ("Series", [])):
            for page in self._rows(kind, [*mine, *span]):
                rows = self._mirror.get([one.guid for one in page])
                self._look_at_participants(
                    rows[one.guid] for one in page if one.guid in rows if user_id not in rows[one.guid].users
                )

    def fetch(self, id: str, *, dates: bool = False, participants: bool = False) -> Whole | None:
        """The whole activity as it stands now, into the mirror too; None when Severa does not find it.

        `dates`, `participants`: read these again even if the activity says of no change, for theirs may be none of
        its own.
        """
        try:
            activity = self._client.get(f"/activities/{id}", Activity)
        except NotFound:
            return None
        row = self._mirror.get([id]).get(id)
        held = _content(row)
        if held is None or row is None or row.gone or held.activity != activity:
            return self._put([self._whole(activity, held)])[0]
        there = None if participants and not self._findings.found.participants_touch else held.participants
        if not dates and there is held.participants:
            return held
        now = self._whole(activity, held, None if dates else list(held.exceptions.values()), there)
        return held if now == held else self._put([now])[0]

    def held(self, ids: Iterable[str]) -> dict[str, Whole]:
        """What the mirror has, gone or not."""
        return {row.id: content_of(row) for row in self._mirror.get(list(ids)).values()}

    def keep(self, whole: Whole) -> None:
        """Remember what our own write left."""
        self._put([whole])

    def delete(self, id: str) -> None:
        """Delete it; one that is gone already is deleted."""
        self._client.remove(f"/activities/{id}")
        self.remove(id)

    def remove(self, id: str) -> None:
        """It is gone; what it held stays for a restore (rule 13.1)."""
        for row in self._mirror.get([id]).values():
            self._mirror.put([Row(id, row.users, row.content, gone=True)])

    def participants(self, id: str) -> list[Participant]:
        """None where Severa does not find them: that says nothing about the activity."""
        try:
            return self._client.get(f"/activities/{id}/activityparticipants", list[Participant])
        except NotFound:
            return []

    # --- polls

    def _poll(self, state: State) -> None:
        assert state.heard is not None, "a complete listing came first"
        begun = self._now()
        since = [("changedSince", as_query(state.heard - OVERLAP))]
        for page in self._rows("None", since):
            self._take(page)
        if state.occurrences_next:
            parents = {one.recurrence_parent_activity_guid for page in self._rows("Exception", since) for one in page}
            for parent in filter(None, parents):
                self.fetch(parent, dates=True)
        else:
            for page in self._rows("Series", since):
                self._take_series(page, None)
        state.occurrences_next = not state.occurrences_next
        state.heard, state.polled = self._by_severas_clock(begun), begun
        self._save(state)

    def _list(self, state: State) -> None:
        """Everything; cut off in the middle, it goes on with what the mirror lacks."""
        begun = self._now()
        opens = begun - PAST
        listed: set[str] = set()
        for page in self._rows("None", [("startDateTime", as_query(opens))]):
            listed |= self._take(page)
        changed: dict[str, list[Activity]] = defaultdict(list)
        for page in self._rows("Exception"):
            for one in page:
                changed[one.recurrence_parent_activity_guid or ""].append(one)
        for page in self._rows("Series"):
            listed |= self._take_series(page, changed)
        if listed:
            # An empty listing proves nothing (rule 8.1).
            self._look_for_missing(listed, opens)
        if state.began is None or state.people_read is None:
            state.began = state.people_read = begun
        elif begun - state.people_read >= self._people and not self._findings.found.participants_touch:
            there = (row for row in self._mirror.there() if self._is_listed(row, opens))
            self._look_at_participants(row for row in there if content_of(row).participants)
            state.people_read = begun
        state.heard, state.polled, state.listed = self._by_severas_clock(begun), begun, begun
        self._save(state)

    def _look_for_missing(self, listed: set[str], opens: datetime) -> None:
        missing = [row for row in self._mirror.there() if row.id not in listed and self._is_listed(row, opens)]
        for row in missing:
            if self.fetch(row.id) is None:
                self.remove(row.id)

    def _look_at_participants(self, rows: Iterable[Row]) -> None:
        """Read the participants of these again."""
        for row in rows:
            held = content_of(row)
            now = self.participants(row.id)
            if now != held.participants:
                self._put([msgspec.structs.replace(held, participants=now)])

    def _is_listed(self, row: Row, opens: datetime) -> bool:
        """Whether a complete listing names it, if it is there."""
        whole = content_of(row)
        ends = whole.activity.end_date_time or whole.activity.start_date_time
        return whole.is_series or wire.moment(ends) > opens

    def _rows(self, kind: str, query: Query = ()) -> Iterable[list[Activity]]:
        return self._client.rows("/activities", Activity, [("recurrenceType", kind), *query])

    def _take(self, page: Sequence[Activity]) -> set[str]:
        """Put those of a page into the mirror that are not there as they are; the ids of all."""
        rows = self._mirror.get([one.guid for one in page])
        wholes = []
        for one in page:
            row = rows.get(one.guid)
            held = _content(row)
            news = self._news(one, row, held)
            if news is not None:
                wholes.append(self._whole(news, held))
        self._put(wholes)
        return {one.guid for one in page}

    def _take_series(self, page: Sequence[Activity], changed: dict[str, list[Activity]] | None) -> set[str]:
        """As `_take`. `changed`: all changed occurrences by series; None: they are asked for where there are any."""
        rows = self._mirror.get([one.guid for one in page])
        for one in page:
            row = rows.get(one.guid)
            held = _content(row)
            occurrences = changed.get(one.guid, []) if changed is not None else None
            news = self._news(one, row, held)
            if news is None and held and occurrences is not None and _differ(held, occurrences):
                news = one
            if news is not None:
                self._put([self._whole(news, held, occurrences)])
        return {one.guid for one in page}

    def _news(self, activity: Activity, row: Row | None, held: Whole | None) -> Activity | None:
        """The activity, if it is not as the mirror has it, in `row` and its content. A page may have been made before
        our own last write to it: then it is asked for by its id."""
        if held is None or row is None:
            return activity
        if activity == held.activity and not row.gone:
            return None
        older = bool(held.activity.stamp) and wire.moment(activity.stamp) < wire.moment(held.activity.stamp)
        if not (older or row.gone):
            return activity
        try:
            now = self._client.get(f"/activities/{activity.guid}", Activity)
        except NotFound:
            return None
        return None if now == held.activity and not row.gone else now

    # --- one activity

    def whole(self, activity: Activity, held: Whole) -> Whole:
        """What our own write left of `held`, read again where Severa may have done more than was asked: dates that
        deviate go when a rule changes. Participants are as they were."""
        return self._whole(activity, held, participants=held.participants)

    def _whole(
        self,
        activity: Activity,
        held: Whole | None,
        changed: list[Activity] | None = None,
        participants: list[Participant] | None = None,
    ) -> Whole:
        """With its participants, and as a series with what deviates; what is ours stays (N+1: facts §5.4)."""
        kind = activity.activity_type.category if activity.activity_type else None
        whole = Whole(activity, participants or [], ours=held.ours) if held else Whole(activity)
        if participants is None and kind != Category.PROJECT_TASK:
            # Project tasks take no part in the sync (rule 1.5).
            whole.participants = self.participants(activity.guid)
        if whole.is_series:
            zone = self._directory.zone_of(wire.owner_of(activity))
            known = {one.guid: day for day, one in held.exceptions.items()} if held else {}
            found = self._changed(activity, zone) if changed is None else changed
            only_removed = self._findings.found.only_removed_are_listed
            arranged = wire.arranged(activity, found, zone, known, only_removed_are_listed=only_removed)
            whole.exceptions, whole.cancelled = arranged
        return whole

    def _changed(self, series: Activity, zone: str) -> list[Activity]:
        """The changed occurrences of a series; its owner's are listed together, if there can be any."""
        owner = wire.owner_of(series)
        if not (wire.listed_dates(series, zone) or self._findings.found.only_removed_are_listed):
            return []
        query = [("userGuids", owner)] if owner else []
        found = (one for page in self._rows("Exception", query) for one in page)
        return [one for one in found if one.recurrence_parent_activity_guid == series.guid]

    def _put(self, wholes: list[Whole]) -> list[Whole]:
        self._mirror.put([Row(one.activity.guid, people.members(one), msgspec.json.encode(one)) for one in wholes])
        return wholes

    # --- state

    def _state(self) -> State:
        kept = self._mirror.state("feed")
        return msgspec.json.decode(kept, type=State) if kept else State()

    def _save(self, state: State) -> None:
        self._mirror.save_state("feed", msgspec.json.encode(state))

    def _is_fresh(self, state: State) -> bool:
        return state.listed is not None and state.polled is not None and self._now() - state.polled < self._fresh

    def _by_severas_clock(self, moment: datetime) -> datetime:
        return moment + (self._client.counts.ahead or timedelta())


def content_of(row: Row) -> Whole:
    return msgspec.json.decode(row.content, type=Whole)


def _content(row: Row | None) -> Whole | None:
    return content_of(row) if row is not None else None


def as_query(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _differ(held: Whole, occurrences: Sequence[Activity]) -> bool:
    return {one.guid: one for one in held.exceptions.values()} != {one.guid: one for one in occurrences}
