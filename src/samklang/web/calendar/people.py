"""People in the activity dialog: written as "Name <address>", and shown with what they answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from samklang.accounts.models import User
from samklang.activities.models import Activity, Participant
from samklang.activities.services import Guest
from samklang.mailboxes import meetings

_NAMED = re.compile(r"\s*(?P<name>.*?)\s*<(?P<address>[^<>]*)>\s*")
#: What an answer is called beside the name; who is only listed has none.
_ANSWERED = (Participant.Status.ACCEPTED, Participant.Status.TENTATIVE, Participant.Status.DECLINED)


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody as the dialog lists him."""

    #: What the form sends for him.
    written: str
    name: str
    #: Of somebody outside.
    address: str = ""
    answer: str = ""
    #: A colleague in whose Outlook calendar the activity will not be (rule 4.1).
    without_sync: bool = False


class PeopleField(forms.Field):
    """All participants there shall be, each written as `written` does or as a person would."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[str]:
        return [text.strip() for text in value or () if text.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(self.to_python(initial)) != set(self.to_python(data))


def written(guest: Guest) -> str:
    if guest.user:
        return f"{guest.user.name} <{guest.user.email}>"
    name = guest.name.translate({ord("<"): None, ord(">"): None}).strip()
    if not guest.address:
        return name
    return f"{name} <{guest.address}>" if name and name != guest.address else guest.address


def guests_of(activity: Activity | None) -> list[Guest]:
    return [Guest.of(row) for row in activity.participants.all()] if activity else []


def read(text: str, user: User, there: Iterable[Guest]) -> Guest:
    """Who is meant: somebody already there, a colleague by name or address, or anybody by his address.

    Raises ValidationError with what to write instead.
    """
    there = list(there)
    same = next((guest for guest in there if written(guest) == text.strip()), None)
    if same:
        return same
    named = _NAMED.fullmatch(text)
    name, address = (named["name"], named["address"]) if named else ("", text)
    address = address.strip()
    if not named and "@" not in address:
        return _by_name(address, user)
    try:
        validate_email(address)
    except forms.ValidationError:
        raise forms.ValidationError(_("No e-mail address: %(wrong)s") % {"wrong": address}) from None
    known = next((guest for guest in there if guest.folded_address == address.casefold()), None)
    colleague = User.objects.of(user.organization).with_address(address).first()
    return known or (Guest(colleague) if colleague else Guest(name=name.strip('"'), address=address))


def _by_name(name: str, user: User) -> Guest:
    found = list(User.objects.of(user.organization).active().filter(name__iexact=name)[:2])
    if len(found) == 1:
        return Guest(found[0])
    message = _("There is no one colleague called “%(name)s”. Write an e-mail address, or a name with one:")
    raise forms.ValidationError(message % {"name": name} + " Eva Lund <eva@example.com>")


def rows(guests: Sequence[Guest], user: User) -> list[Row]:
    """The list as `user` sees it; who called the meeting comes first."""
    colleagues = [guest.user.pk for guest in guests if guest.user and guest.user != user]
    unreached = meetings.without_sync(user.organization_id, colleagues)
    ordered = sorted(guests, key=lambda guest: not guest.organizer)
    return [
        Row(
            written=written(guest),
            name=guest.user.name if guest.user else guest.name or guest.address,
            address="" if guest.user or not guest.name else guest.address,
            answer=_answer(guest),
            without_sync=guest.user is not None and guest.user.pk in unreached,
        )
        for guest in ordered
    ]


def _answer(guest: Guest) -> str:
    if guest.organizer:
        return _("Organizer")
    return str(guest.status.label) if guest.status in _ANSWERED else ""


def colleagues_of(user: User) -> list[str]:
    """Whom the field offers."""
    others = User.objects.of(user.organization).active().exclude(pk=user.pk).order_by("name", "pk")
    return [written(Guest(colleague)) for colleague in others]
