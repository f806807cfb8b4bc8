"""Activities that are meetings in somebody's mailbox: what only the organizer may change (rule 4.4), and that he stays
when the activity gets another owner (rule 4.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from samklang.activities import rows
from samklang.activities.errors import NotAllowed
from samklang.activities.models import Activity, Participant
from samklang.activities.people import Guest
from samklang.activities.writing import Changes
from samklang.engine import canonical
from samklang.engine.model import Entry, FieldKey, Role
from samklang.mailboxes import meetings

#: Fields that are everybody's own (rule 4.4); text is not among the organizer's.
_OWN_FIELDS = frozenset({"text", "sensitivity"})


def roles(activity: Activity) -> Mapping[int, Role]:
    """Who has it in his mailbox as a meeting, by user id; see `mailboxes.meetings.roles`."""
    return meetings.roles(activity.organization_id, activity.psa_id)


def is_somebody_elses(roles_: Mapping[int, Role]) -> bool:
    """It is a meeting, and its organizer is outside or does not sync: nothing can carry an edit to him (rule 4.4)."""
    return bool(roles_) and Role.ORGANIZER not in roles_.values()


def is_carried(activity: Activity) -> bool:
    """It is a meeting whose organizer syncs: a person's edit of it goes to all who are invited (rule 4.6)."""
    return Role.ORGANIZER in roles(activity).values()


def organizer_name(activity: Activity) -> str:
    """Who called a meeting that is somebody else's: the one flagged as organizer, else the owner; "" if unknown."""
    flagged = (row.shown_name for row in activity.participants.all() if row.organizer)
    return next(flagged, activity.owner.name if activity.owner else "")


def check(activity: Activity, entry: Entry, values: Changes) -> None:
    """Raises NotAllowed ("organizer_only") when the change is one only the organizer can make, and he cannot here."""
    if not is_somebody_elses(roles(activity)):
        return
    before = rows.entry_of(activity)
    keys = canonical.changed_keys(canonical.fields(before), canonical.fields(entry))
    if any(_is_the_organizers(key) for key in keys) or _people_change(activity, values):
        raise NotAllowed("organizer_only", why(activity))


def why(activity: Activity) -> str:
    """Why title, time, place, repetition and people cannot be changed, and what to do."""
    who = organizer_name(activity) or _("Somebody else")
    first = _("%(name)s called this meeting in another calendar, which is not synchronized here.") % {"name": who}
    second = _("Only there can its name, time, place, repetition and people be changed; the rest is yours to change.")
    return f"{first} {second}"


def with_organizer(activity: Activity, values: Changes) -> Changes:
    """The changes, and the old owner kept as a participant when a meeting gets another owner (rule 4.7)."""
    old = activity.owner
    if "owner" not in values or old is None or values["owner"] == old:
        return values
    roles_ = roles(activity)
    if not roles_:
        return values
    there = values.get("participants", [Guest.of(row) for row in activity.participants.all()])
    stays = Guest(old, status=Participant.Status.ACCEPTED, organizer=roles_.get(old.pk) is Role.ORGANIZER)
    others = [guest for guest in there if guest.folded_address != stays.folded_address]
    return {**values, "participants": [*others, stays]}


def _is_the_organizers(key: FieldKey) -> bool:
    occurrence_field = key[13:] if key.startswith("x:") else key
    return occurrence_field not in _OWN_FIELDS


def _people_change(activity: Activity, values: Changes) -> bool:
    """Whether anybody comes or goes, the new owner apart: who owns the activity is ours to say (rule 4.7)."""
    if "participants" not in values:
        return False
    owners = {owner.email for owner in (activity.owner, values.get("owner", activity.owner)) if owner}
    before = _listed(Guest.of(row) for row in activity.participants.all())
    return before - owners != _listed(values["participants"]) - owners


def _listed(guests: Iterable[Guest]) -> set[str]:
    return {guest.folded_address or guest.name.strip() for guest in guests}
