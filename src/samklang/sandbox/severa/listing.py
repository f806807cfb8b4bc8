"""`GET /v1/activities` with all its filters (Severa facts §1.8). The order is by guid: no order at all."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

from samklang.sandbox.severa import paging
from samklang.sandbox.severa.call import Answer, Call
from samklang.sandbox.severa.model import Activity, ActivityType, Category, Participant, User
from samklang.sandbox.severa.series import Occurrence
from samklang.sandbox.severa.service import Severa, Target
from samklang.sandbox.severa.wire import Wire

_Recurrence = Literal["None", "Occurrence", "Exception", "Series"]
_BY_DEFAULT = ("None", "Occurrence", "Exception")
Test = Callable[[Activity], bool]


def activities(severa: Severa, call: Call, parts: Mapping[str, str]) -> Answer:
    chosen = call.choice("recurrenceType", _Recurrence)
    wanted = _Wanted(severa, call)
    sources = [wanted.of_kind(kind) for kind in ((chosen,) if chosen else _BY_DEFAULT)]
    rows, headers = paging.page(call, heapq.merge(*sources, key=lambda target: target.guid))
    wire = Wire(severa)
    return Answer(200, [wire.target(row) for row in rows], headers)


class _Wanted:
    """What one request asks for."""

    def __init__(self, severa: Severa, call: Call) -> None:
        self._severa, self._org = severa, call.org
        self._after = paging.after(call)
        self._start, self._end = call.moment("startDateTime"), call.moment("endDateTime")
        self._changed = call.moment("changedSince")
        self._is_strict = bool(call.flag("useStrictStartAndEndDateTime"))
        self._until = severa.store.clock.now() - timedelta(seconds=call.stale_seconds) if call.stale_seconds else None
        self._tests = list(_tests(severa, call))

    def of_kind(self, kind: str) -> Iterator[Target]:
        """Singles, series, exceptions or occurrences, by guid."""
        if kind == "Occurrence":
            return self._occurrences()
        return filter(self._fits, self._stored(kind, self._after, self._end))

    def _stored(self, kind: str, after: str, end: datetime | None) -> Iterator[Activity]:
        found = self._severa.records.activities(
            self._org, kind, after=after, start=self._start, end=end, changed=self._changed
        )
        for activity in found:
            if self._until is not None and activity.updated > self._until:
                continue
            if all(test(activity) for test in self._tests):
                yield activity

    def _occurrences(self) -> Iterator[Occurrence]:
        horizon = self._severa.store.clock.now() + timedelta(days=self._severa.settings.horizon_days)
        found = [
            place
            for series in self._stored("Series", "", self._end or horizon)
            for place in self._severa.layout(series).between(self._start, self._end or horizon)
            if place.guid > self._after and self._fits(place)
        ]
        return iter(sorted(found, key=lambda place: place.guid))

    def _fits(self, target: Target) -> bool:
        """Whether it lies inside the window, where that is asked for; that it touches it is known."""
        if not self._is_strict:
            return True
        return (self._start is None or target.start >= self._start) and (self._end is None or target.end <= self._end)


def _tests(severa: Severa, call: Call) -> Iterator[Test]:
    for name, read in (
        ("closed", lambda activity: activity.body.is_closed),
        ("hasDuration", lambda activity: activity.body.has_duration),
        ("hasHours", lambda activity: activity.has_hours),
        ("isUnassigned", lambda activity: activity.body.is_unassigned),
    ):
        flag = call.flag(name)
        if flag is not None:
            yield lambda activity, read=read, flag=flag: read(activity) == flag  # type: ignore[misc]
    yield from _by_type(severa, call)
    yield from _by_people(severa, call)
    yield from _by_project(call)


def _by_type(severa: Severa, call: Call) -> Iterator[Test]:
    categories = call.choices("activityCategories", Category)
    types = call.guids("activityTypeGuids")
    statuses = call.guids("projectTaskStatusGuids")
    if categories:
        of_type = {type.guid: type.category for type in severa.records.all(ActivityType, call.org)}
        yield lambda activity: of_type.get(activity.body.activity_type.guid) in categories
    if types:
        yield lambda activity: activity.body.activity_type.guid in types
    if statuses:
        yield lambda activity: _guid(activity.body.project_task_status) in statuses


def _by_people(severa: Severa, call: Call) -> Iterator[Test]:
    users, contacts = call.guids("userGuids"), call.guids("contactGuids")
    as_member, keywords = bool(call.flag("includeAsMember")), call.guids("userKeywordGuids")

    def takes_part(activity: Activity, people: frozenset[str]) -> bool:
        return any(row.who in people for row in severa.records.of(Participant, activity.guid))

    if users:
        yield lambda activity: activity.body.owner_user.guid in users or (as_member and takes_part(activity, users))
    if contacts:
        yield lambda activity: takes_part(activity, contacts)
    if keywords:
        owners = {
            user.guid for user in severa.records.all(User, call.org) if keywords & {k.lower() for k in user.keywords}
        }
        yield lambda activity: activity.body.owner_user.guid in owners


def _by_project(call: Call) -> Iterator[Test]:
    phases = call.guids("phaseGuids")
    with_parents = bool(call.flag("includeSubPhases")) and len(phases) == 1
    yield from _one_of(call, "customerGuids", "includeTasksWithNoCustomer", lambda body: _guid(body.customer))
    yield from _one_of(call, "projectGuids", "includeTasksWithNoProject", _phase("project_guid"))
    for name, field in (
        ("projectBusinessUnitGuids", "project_business_unit_guid"),
        ("projectOwnerGuids", "project_owner_guid"),
    ):
        yield from _one_of(call, name, "", _phase(field))
    if phases:
        yield (
            lambda activity: (
                activity.body.phase is not None
                and (
                    _lower(activity.body.phase.guid) in phases
                    or (with_parents and _lower(activity.body.phase.parent_guid) in phases)
                )
            )
        )


def _one_of(call: Call, name: str, without: str, read: Callable[..., str]) -> Iterator[Test]:
    """One of those named; those that have none as well, unless `without` says no."""
    guids = call.guids(name)
    also_none = bool(without) and call.flag(without) is not False
    if guids:
        yield lambda activity: (found := read(activity.body)) in guids or (also_none and not found)
    elif without and not also_none:
        yield lambda activity: bool(read(activity.body))


def _phase(field: str) -> Callable[..., str]:
    return lambda body: _lower(getattr(body.phase, field)) if body.phase is not None else ""


def _guid(named: object) -> str:
    return _lower(getattr(named, "guid", None))


def _lower(text: str | None) -> str:
    return (text or "").lower()
