"""A calendar file into a user's activities. Importing it again updates what it brought (by UID) and doubles nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import override

from samklang.accounts.models import User
from samklang.activities import changes, rows, services
from samklang.activities.errors import Refused
from samklang.activities.ical.reading import Draft, LeftOut, read
from samklang.activities.models import Activity, ActivityType, Participant
from samklang.activities.services import Changes, Guest, New
from samklang.activities.types import default_type, private_type
from samklang.engine import canonical, times
from samklang.engine.model import Inexpressible, Person

_STATUS = {
    "accepted": Participant.Status.ACCEPTED,
    "tentative": Participant.Status.TENTATIVE,
    "declined": Participant.Status.DECLINED,
}


@dataclass
class Report:
    """What came of an import."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    #: Of the created and updated: series whose rule Exchange cannot hold; the sync sets them aside (rule 5.5).
    kept_as_text: int = 0
    reasons: list[LeftOut] = field(default_factory=list)

    @property
    def left_out(self) -> list[str]:
        """One sentence for each component that did not become an activity."""
        return [str(reason) for reason in self.reasons]


def import_calendar(user: User, text: bytes) -> Report:
    """Bring a file's entries into the user's calendar, all or nothing. Raises NotACalendar, Refused ("no_type").

    Private entries get the type *Private* if there is one, others the active type that one of their categories names,
    else the user's default. People of the file become external participants: nobody else's calendar changes.
    """
    with override(user.language):
        contents = read(text, user.zone)
        report = Report(reasons=contents.left_out)
        with transaction.atomic():
            changes.lock(user.organization_id)
            known = _known(user, contents.drafts)
            new = [draft for draft in contents.drafts if draft.key not in known]
            for draft in contents.drafts:
                if draft.key in known:
                    _update(user, known[draft.key], draft, report)
            _create(user, new, report)
    return report


def _known(user: User, drafts: Sequence[Draft]) -> dict[str, Activity]:
    """The activities these drafts came from, also those in the trash, or once were exported from."""
    keys = {draft.key for draft in drafts}
    guids = {guid for guid in map(_guid, keys) if guid}
    exported = Q(guid__in=guids) & (Q(owner=user) | Q(participants__user=user))
    own = Activity.objects.of(user.organization_id).filter(Q(owner=user, import_uid__in=keys) | exported)
    found = own.distinct().whole()
    return {activity.import_uid or activity.psa_id: activity for activity in found}


def _guid(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None


def _update(user: User, activity: Activity, draft: Draft, report: Report) -> None:
    before, wanted = canonical.fields(rows.entry_of(activity)), canonical.fields(draft.entry)
    keys = canonical.changed_keys(before, wanted)
    if activity.is_private or not draft.entry.sensitivity.is_private:
        # Its type may say more than the file; only what became private in the file changes that here.
        keys = frozenset(key for key in keys if key.partition(":")[2][11:] != "sensitivity" and key != "sensitivity")
    if not keys and activity.trashed_at is None:
        report.unchanged += 1
        return
    try:
        if activity.trashed_at is not None:
            services.restore(user, activity.guid)
        services.write_fields(user, activity.guid, draft.entry, keys)
    except Refused as refused:
        report.reasons.append(_left_out(draft, refused))
        return
    report.updated += 1
    report.kept_as_text += isinstance(draft.entry.recurrence, Inexpressible)


def _create(user: User, drafts: Iterable[Draft], report: Report) -> None:
    default, private = default_type(user.organization, user), private_type(user.organization)
    by_name = {
        type_.name.casefold(): type_ for type_ in ActivityType.objects.of(user.organization).filter(is_active=True)
    }
    news = []
    for draft in drafts:
        hidden = draft.entry.sensitivity.is_private
        named = (by_name.get(category.casefold()) for category in draft.categories)
        type_ = (private if hidden else next(filter(None, named), None)) or default
        values = Changes(type=type_, masked=hidden and not type_.is_private, has_duration=draft.has_duration)
        news.append(New(draft.entry, values, draft.key, _guests(user, draft.entry.people)))
    made, refused = services.create_many(user, news)
    report.created += len(made)
    report.kept_as_text += sum(isinstance(new.entry.recurrence, Inexpressible) for new in made)
    by_key = {draft.key: draft for draft in drafts} if refused else {}
    report.reasons += [_left_out(by_key[new.import_uid], error) for new, error in refused]


def _guests(user: User, people: Iterable[Person]) -> list[Guest]:
    return [
        Guest(
            name=person.name,
            address=person.address,
            kind=Participant.Kind.RESOURCE if person.resource else Participant.Kind.OTHER,
            status=_STATUS.get(person.response, Participant.Status.UNKNOWN),
        )
        for person in people
        if person.address.casefold() != user.email
    ]


def _left_out(draft: Draft, refused: Refused) -> LeftOut:
    return LeftOut(draft.key, times.local_day(draft.entry.when), refused.code, str(refused))
