"""What a person sees of the calendar: occurrences between two instants, with private entries of colleagues masked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from samklang.accounts.models import User
from samklang.accounts.programs import Actor
from samklang.activities import expand, rows
from samklang.activities.changes import people_of
from samklang.activities.errors import NotThere
from samklang.activities.models import Activity, Participant
from samklang.engine import recurrence, times
from samklang.engine.model import Occurrence, When


@dataclass(frozen=True, slots=True)
class Shown:
    """One occurrence, or an activity as a whole, as one person may see it.

    Where `masked` is true, title, place and text tell nothing, and nothing else of `activity` but its guid, version and
    owner may be shown either (rule 1.8).
    """

    activity: Activity
    title: str
    when: When
    place: str
    text: str
    private: bool
    masked: bool
    #: The reader owns it or takes part.
    mine: bool
    #: Of an occurrence of a series: the date of its original start. None for a single entry or a series as a whole.
    day: date | None = None
    #: The occurrence differs from its series; `guid` is then its own.
    changed: bool = False
    guid: str = ""


def find(user: Actor, guid: UUID | str) -> Activity:
    """The activity with this guid. Raises NotThere. Look at `shown` before showing it to him."""
    try:
        activity = Activity.objects.visible_to(user).filter(guid=UUID(str(guid))).whole().first()
    except ValueError:
        activity = None
    if activity is None:
        raise NotThere("not_there", _("There is no such activity (any longer)."))
    return activity


def shown(user: Actor, activity: Activity) -> Shown:
    """The activity as a whole (of a series: the first occurrence's time), masked if he may not see it."""
    entry = rows.entry_of(activity)
    whole = Occurrence(entry.title, entry.when, entry.place, entry.text, entry.sensitivity)
    return _as_seen(user, activity, whole)


def trashed(user: User) -> list[Shown]:
    """What he may take out of the trash himself, newest first: his own, and what he made for nobody."""
    own = Q(owner=user) | Q(owner=None, created_by=user)
    found = Activity.objects.of(user.organization_id).trashed().filter(own).order_by("-trashed_at", "pk").whole()
    return [shown(user, activity) for activity in found]


def between(
    user: User, start: datetime, end: datetime, *, people: Collection[User] | None = None, zone: str | None = None
) -> list[Shown]:
    """What is between two instants in the calendars of `people` (default: his own), by time.

    Series are expanded; cancelled occurrences are left out, changed ones stand where they were moved to. Whole days are
    reckoned in `zone` (default: the reader's).
    """
    found = Activity.objects.visible_to(user).touching(start, end).filter(_of_people(people or [user])).whole()
    zone = zone or user.zone
    seen = [one for activity in found for one in _expanded(user, activity, start, end, zone)]
    return sorted(seen, key=lambda one: (times.start_of(one.when, zone), times.end_of(one.when, zone), one.title))


def occurrences(user: Actor, activity: Activity, start: datetime, end: datetime) -> list[Shown]:
    """The occurrences of one activity between two instants, by time."""
    return list(_expanded(user, activity, start, end, user.zone))


def occurrence(user: Actor, activity: Activity, day: date) -> Shown | None:
    """The occurrence whose original date is `day`, wherever it was moved to; None when there is none (any longer)."""
    entry = rows.entry_of(activity)
    if day in entry.cancelled or day not in recurrence.slot_days(entry, day, day):
        return None
    guids = {override.day: str(override.guid) for override in activity.overrides.all() if not override.cancelled}
    seen = _as_seen(user, activity, recurrence.occurrence(entry, day))
    return replace(seen, day=day, changed=day in guids, guid=guids.get(day, ""))


def hidden_from(reader: User, activity_ids: Iterable[str]) -> set[str]:
    """Those of these activities that are private now and not the reader's (rule 1.8)."""
    found = Activity.objects.of(reader.organization_id).filter(guid__in=list(filter(_is_guid, activity_ids)))
    return {one.psa_id for one in found.whole() if one.is_private and reader.pk not in people_of(one)}


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _of_people(people: Collection[User]) -> Q:
    taking_part = Participant.objects.filter(user__in=people).values("activity_id")
    return Q(owner__in=people) | Q(pk__in=taking_part)


def _expanded(user: Actor, activity: Activity, start: datetime, end: datetime, zone: str) -> Iterable[Shown]:
    entry = rows.entry_of(activity)
    guids = {override.day: str(override.guid) for override in activity.overrides.all() if not override.cancelled}
    for day, occurrence in expand.occurrences(entry, start, end, zone):
        seen = _as_seen(user, activity, occurrence)
        if activity.is_series:
            seen = replace(seen, day=day, changed=day in guids, guid=guids.get(day, ""))
        yield seen


def _as_seen(user: Actor, activity: Activity, content: Occurrence) -> Shown:
    mine = user.pk in people_of(activity)
    private = content.sensitivity.is_private
    masked = private and not (mine or user.sees_private)
    return Shown(
        activity=activity,
        title=_("Private") if masked else content.title,
        when=content.when,
        place="" if masked else content.place,
        text="" if masked else content.text,
        private=private,
        masked=masked,
        mine=mine,
    )
