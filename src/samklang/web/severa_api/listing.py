"""The list of activities, with Severa's filters (Severa facts §1.8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db.models import Q
from ninja import Field

from samklang.accounts.models import User
from samklang.accounts.programs import Actor
from samklang.activities import queries
from samklang.activities.models import Activities, Activity, Participant
from samklang.clock import now
from samklang.engine import times
from samklang.engine.model import Category
from samklang.web.severa_api import shape
from samklang.web.severa_api.paging import Page

#: Occurrences are listed this far when no end is asked for.
_HORIZON = timedelta(days=730)
#: Activities read at once.
_BATCH = 200


class Filters(Page):
    startDateTime: datetime | None = None  # noqa: N815
    endDateTime: datetime | None = None  # noqa: N815
    useStrictStartAndEndDateTime: bool = False  # noqa: N815
    changedSince: datetime | None = None  # noqa: N815
    userGuids: list[UUID] = Field(default_factory=list)  # noqa: N815
    includeAsMember: bool = False  # noqa: N815
    userKeywordGuids: list[str] = Field(default_factory=list)  # noqa: N815
    recurrenceType: Literal["None", "Occurrence", "Exception", "Series"] | None = None  # noqa: N815
    activityTypeGuids: list[UUID] = Field(default_factory=list)  # noqa: N815
    activityCategories: list[Category] = Field(default_factory=list)  # noqa: N815
    closed: bool | None = None
    hasDuration: bool | None = None  # noqa: N815
    hasHours: bool | None = None  # noqa: N815
    isUnassigned: bool | None = None  # noqa: N815
    contactGuids: list[UUID] = Field(default_factory=list)  # noqa: N815
    customerGuids: list[str] = Field(default_factory=list)  # noqa: N815
    includeTasksWithNoCustomer: bool = True  # noqa: N815
    projectGuids: list[str] = Field(default_factory=list)  # noqa: N815
    includeTasksWithNoProject: bool = True  # noqa: N815
    projectBusinessUnitGuids: list[str] = Field(default_factory=list)  # noqa: N815
    projectOwnerGuids: list[str] = Field(default_factory=list)  # noqa: N815
    projectTaskStatusGuids: list[str] = Field(default_factory=list)  # noqa: N815
    phaseGuids: list[str] = Field(default_factory=list)  # noqa: N815
    includeSubPhases: bool = False  # noqa: N815

    @property
    def tells(self) -> bool:
        """Being found by one of these would tell what a private entry hides (rule 1.8)."""
        flags = (self.closed, self.hasHours, self.isUnassigned)
        lists = (self.activityTypeGuids, self.activityCategories, self.contactGuids)
        return any(flag is not None for flag in flags) or any(lists)


class Span:
    """The time asked for, as instants; None is open."""

    def __init__(self, filters: Filters, caller: Actor) -> None:
        self._strict = filters.useStrictStartAndEndDateTime
        self._zone = caller.zone
        first, last = filters.startDateTime, filters.endDateTime
        self.start = shape.instant(first, caller, "startDateTime") if first else None
        self.end = shape.instant(last, caller, "endDateTime") if last else None

    def holds(self, shown: queries.Shown) -> bool:
        """Overlap, or all of it where that is asked for; the limits are part of it."""
        opens, over = times.start_of(shown.when, self._zone), times.end_of(shown.when, self._zone)
        after, before = (opens, over) if self._strict else (over, opens)
        return (self.start is None or after >= self.start) and (self.end is None or before <= self.end)


def listed(caller: Actor, filters: Filters) -> Iterator[tuple[queries.Shown, int, str]]:
    """What the filters let through after the page's token: shown, primary key, date of the occurrence."""
    span = Span(filters, caller)
    key, part = filters.after
    rows = _rows(caller, filters, span).filter(pk__gte=key).order_by("pk").whole()
    for activity in rows.iterator(chunk_size=_BATCH):
        whole = queries.shown(caller, activity)
        if filters.tells and whole.masked:
            continue
        for shown in _within(caller, whole, span, filters.recurrenceType):
            day = shown.day.isoformat() if shown.day else ""
            if (activity.pk > key or day > part) and span.holds(shown):
                yield shown, activity.pk, day


def _rows(caller: Actor, filters: Filters, span: Span) -> Activities:
    rows: Activities = Activity.objects.visible_to(caller)
    if filters.userGuids:
        people = User.objects.of(caller.organization).filter(guid__in=filters.userGuids)
        theirs = Q(owner__in=people)
        if filters.includeAsMember:
            theirs |= Q(pk__in=Participant.objects.filter(user__in=people).values("activity_id"))
        rows = rows.filter(theirs)
    if filters.changedSince:
        rows = rows.filter(modified__gte=shape.instant(filters.changedSince, caller, "changedSince"))
    if span.start:
        rows = rows.filter(Q(over=None) | Q(over__gte=span.start))
    if span.end:
        rows = rows.filter(opens__lte=span.end)
    if filters.recurrenceType is not None:
        rows = rows.filter(recurrence__isnull=filters.recurrenceType == "None")
    return _with_attributes(rows, filters)


def _with_attributes(rows: Activities, filters: Filters) -> Activities:
    if filters.activityTypeGuids:
        rows = rows.filter(type__guid__in=filters.activityTypeGuids)
    if filters.activityCategories:
        rows = rows.filter(type__category__in=filters.activityCategories)
    if filters.contactGuids:
        rows = rows.filter(participants__guid__in=filters.contactGuids).distinct()
    flags = {
        "closed": filters.closed,
        "has_duration": filters.hasDuration,
        "has_hours": filters.hasHours,
        "unassigned": filters.isUnassigned,
    }
    rows = rows.filter(**{name: flag for name, flag in flags.items() if flag is not None})
    # Customers, projects and what belongs to them have names here, but no ids: none is found by one.
    for column, ids, include_none in (
        ("customer", filters.customerGuids, filters.includeTasksWithNoCustomer),
        ("project", filters.projectGuids, filters.includeTasksWithNoProject),
    ):
        if ids:
            rows = rows.filter(**{column: ""}) if include_none else rows.none()
        elif not include_none:
            rows = rows.exclude(**{column: ""})
    unknown = (
        filters.projectBusinessUnitGuids,
        filters.projectOwnerGuids,
        filters.projectTaskStatusGuids,
        filters.phaseGuids,
        filters.userKeywordGuids,
    )
    return rows.none() if any(unknown) else rows


def _within(caller: Actor, whole: queries.Shown, span: Span, kind: str | None) -> Iterator[queries.Shown]:
    """The activity, or the occurrences of a series by date; of the kind asked for. Masters come only when asked for."""
    if not whole.activity.is_series or kind == "Series":
        yield whole
        return
    first = span.start or times.start_of(whole.when, caller.zone)
    last = span.end or max(first, now()) + _HORIZON
    # A time that ends or begins at a limit is within it.
    found = queries.occurrences(caller, whole.activity, first - timedelta(seconds=1), last + timedelta(seconds=1))
    for shown in sorted(found, key=lambda one: one.day or date.min):
        if kind is None or shown.changed is (kind == "Exception"):
            yield shown
