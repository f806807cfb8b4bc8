"""What "Why?" says of an activity in Severa beside the rule: what Severa cannot hold, and Samklang keeps (rule 13)."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from samklang.accounts.models import User
from samklang.connectors.severa.feed import content_of
from samklang.connectors.severa.people import members
from samklang.connectors.severa.schema import Whole
from samklang.connectors.severa.wire import owner_of
from samklang.severa import roster
from samklang.severa.mirror import DjangoMirror
from samklang.severa.services import arrangement_of

_INSTEAD = {
    "group_kept": gettext_noop(
        "An activity cannot change its group in Severa: this one was made in place of an earlier one, which is gone."
    ),
    "field_fixed": gettext_noop(
        "Severa did not let it be changed in place: this one was made in place of an earlier one, which is gone."
    ),
    "restored": gettext_noop("Severa deletes for good: this one was made anew from what Samklang had kept."),
}


def notes(user: User, activity_id: str) -> tuple[str, ...]:
    """As last seen, for whoever owns the activity or takes part in it; they name people he sees there."""
    row = DjangoMirror(user.organization_id).get([activity_id]).get(activity_id)
    if row is None or row.gone or not user.severa_id or user.severa_id not in row.users:
        return ()
    return tuple(_said(user, content_of(row)))


def _said(user: User, whole: Whole) -> Iterator[str]:
    arrangement = arrangement_of(user.organization)
    if alone := _by_address_alone(whole):
        sentence = _("Severa does not know these people and does not show them; they stay on the event: %(who)s.")
        yield sentence % {"who": ", ".join(alone)}
    owner = roster.known(arrangement, owner_of(whole.activity) or "")
    if whole.ours.zone and not whole.activity.is_all_day and owner is not None and owner.zone != whole.ours.zone:
        sentence = _("It was made in the time zone %(zone)s, which Severa has no place for; Samklang keeps it.")
        yield sentence % {"zone": whole.ours.zone}
    if whole.ours.instead:
        yield _(_INSTEAD[whole.ours.instead])
    if names := roster.who_does_not_sync(arrangement, members(whole)):
        sentence = _("It does not reach the calendars of those who do not sync: %(names)s.")
        yield sentence % {"names": ", ".join(names)}


def _by_address_alone(whole: Whole) -> list[str]:
    """Rule 13.4."""
    held = {(one.email or "").casefold() for one in whole.participants}
    outside = [one for one in whole.ours.people if one.address.casefold() not in held]
    return [f"{one.name} ({one.address})" if one.name and one.address else one.address or one.name for one in outside]
