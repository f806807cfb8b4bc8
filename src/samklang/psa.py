"""Which PSA keeps the activities of an organization: the built-in calendar, or its Severa; chosen nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from samklang.accounts.models import Organization, User
from samklang.activities import queries
from samklang.activities.as_person import PersonsActivities
from samklang.activities.errors import NotThere
from samklang.activities.models import ActivityType
from samklang.activities.source import BuiltInActivities
from samklang.activities.types import types_for_rules
from samklang.connectors.severa.activities import SeveraActivities
from samklang.connectors.severa.acts import category_of
from samklang.connectors.severa.feed import content_of
from samklang.connectors.severa.mirror import Row
from samklang.engine.merge import ServerClocks
from samklang.engine.model import Category
from samklang.engine.rules import Rules
from samklang.mailboxes.directory import directory, read_late
from samklang.severa import roster
from samklang.severa.mirror import DjangoMirror
from samklang.severa.opening import opened, signs_in
from samklang.severa.services import arrangement_of
from samklang.sync.ports import Activities

#: What a Date header cannot tell, and how far an offset may move between two runs and still prove something.
_CLOCK_GRAIN, _CLOCK_MOVED = timedelta(seconds=3), timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Psa:
    """One user's activities, and what the engine is told of the PSA they are in."""

    activities: Activities
    #: What the user does to them through us, as his own act.
    as_person: Activities
    #: Of the PSA's side alone; the rest is the mailbox's.
    rules: Rules
    #: Requests sent so far.
    requests: Callable[[], int] = lambda: 0
    #: The PSA's clock minus ours.
    ahead: Callable[[], timedelta] = timedelta

    def behind(self, exchange_ahead: timedelta) -> timedelta:
        """Exchange's clock minus the PSA's."""
        return exchange_ahead - self.ahead()

    def clocks(self, exchange_ahead: timedelta | None, before: float | None) -> ServerClocks:
        """How the two compare (rule 7.4). `before`: seconds as of the last run. Answers tell it to the second."""
        offset = timedelta() if exchange_ahead is None else self.behind(exchange_ahead)
        if abs(offset) < _CLOCK_GRAIN:
            offset = timedelta()
        moved = before is not None and abs(offset.total_seconds() - before) > _CLOCK_MOVED.total_seconds()
        return ServerClocks(offset, unsure=moved)


@contextmanager
def opened_for(user: User) -> Iterator[Psa]:
    """Closes its connections. Raises SyncError: the PSA is not to be reached, or does not know the user."""
    if user.organization.in_severa:
        with _severa(user) as psa:
            yield psa
    else:
        rules = Rules(
            user_id=user.psa_id,
            zone=user.zone,
            types=types_for_rules(user.organization),
            started_on=date.min,
            user_default_type_id=user.default_activity_type or None,
            people=directory(user.organization_id),
        )
        yield Psa(BuiltInActivities(user), PersonsActivities(user), rules)


@contextmanager
def _severa(user: User) -> Iterator[Psa]:
    arrangement = arrangement_of(user.organization)
    with opened(arrangement) as severa:
        there = severa.directory
        user_id = roster.matched(user, there)
        own = there.user(user_id)
        rules = Rules(
            user_id=user_id,
            zone=user.zone,
            types=roster.types(arrangement, there.types()),
            started_on=date.min,
            user_default_type_id=own.default_type_id if own else None,
            people=read_late(lambda: roster.colleagues(arrangement, there)),
            # Colleagues see of an activity whatever its type does not hide (Severa facts §2.4).
            psa_masks=False,
        )
        activities = SeveraActivities(severa, user_id)
        before = timedelta(seconds=arrangement.clock_ahead)
        counts = severa.client.counts
        yield Psa(
            activities,
            activities,
            rules,
            requests=lambda: counts.requests,
            ahead=lambda: before if counts.ahead is None else counts.ahead,
        )


def access_works(organization: Organization) -> bool:
    """Whether the PSA lets us in again, in one attempt (rule 10.3)."""
    return not organization.in_severa or signs_in(arrangement_of(organization))


def types_that_go_out(organization: Organization) -> list[str]:
    """Names of the activity types an administrator chose for Microsoft (rule 1.5)."""
    if organization.in_severa:
        return [one.name for one in roster.known_types(arrangement_of(organization)) if one.ticked]
    ticked = ActivityType.objects.of(organization).filter(is_active=True, ticked=True)
    return list(ticked.order_by("name").values_list("name", flat=True))


def hidden_from(reader: User, activity_ids: Collection[str]) -> set[str]:
    """Those of these activities that are private now and not the reader's, as far as they are known here (rule 1.8)."""
    if reader.organization.in_severa:
        rows = DjangoMirror(reader.organization_id).get(activity_ids).values()
        private = (row.id for row in rows if reader.severa_id not in row.users if _is_private(row))
        return set(private)
    return queries.hidden_from(reader, activity_ids)


def _is_private(row: Row) -> bool:
    return category_of(content_of(row).activity) in (Category.PERSONAL, Category.ABSENCE)


def taking_part(user: User, activity_ids: Collection[str]) -> set[str]:
    """Of these activities of Severa's, those the user owns or takes part in, or did when they were deleted."""
    held = DjangoMirror(user.organization_id).get(activity_ids)
    return {id for id, row in held.items() if user.severa_id and user.severa_id in row.users}


def title_of(user: User, activity_id: str) -> str:
    """What the user calls an activity, as far as he may see it and it is known here; "" otherwise."""
    if user.organization.in_severa:
        row = DjangoMirror(user.organization_id).get([activity_id]).get(activity_id)
        return content_of(row).activity.name or "" if row is not None and user.severa_id in row.users else ""
    try:
        return queries.shown(user, queries.find(user, activity_id)).title
    except NotThere:
        return ""
