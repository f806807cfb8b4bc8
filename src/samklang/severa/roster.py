"""Severa's users beside ours: matched by e-mail (rule 1.3), with who syncs; and Severa's activity types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
from django.db.models import QuerySet

from samklang.accounts.invitations import Invitation, may_be_invited
from samklang.accounts.invitations import invite as send_invitation
from samklang.accounts.models import User
from samklang.accounts.services import add_user
from samklang.connectors.severa import schema
from samklang.connectors.severa.directory import Directory, Lists, category
from samklang.engine import rules
from samklang.engine.model import Category
from samklang.engine.people import Colleague
from samklang.mailboxes import directory as mailboxes
from samklang.mailboxes.services import Refused
from samklang.severa.mirror import DjangoMirror
from samklang.severa.models import Arrangement
from samklang.severa.opening import opened
from samklang.sync.errors import MailboxError


@dataclass(frozen=True, slots=True)
class Row:
    """One of Severa's active users."""

    id: str
    email: str
    name: str
    #: IANA name of the zone he has there, if it is known.
    zone: str | None
    #: Somebody of ours with his address, if there is.
    user: User | None
    #: Severa mails him of new activities (rule 13.6).
    is_mailed: bool
    #: "" or the code of what keeps him from being matched.
    problem: str

    @property
    def has_account(self) -> bool:
        return self.user is not None

    @property
    def may_be_invited(self) -> bool:
        return not self.problem and (self.user is None or may_be_invited(self.user))

    @property
    def syncs(self) -> bool:
        mailbox = getattr(self.user, "mailbox", None)
        return mailbox is not None and mailbox.on


def read_anew(arrangement: Arrangement) -> None:
    """Ask Severa for its users and types, though what we have is believed yet. Raises SyncError."""
    DjangoMirror(arrangement.organization_id).save_state("lists", b"")
    with opened(arrangement) as severa:
        severa.directory.users()
    if arrangement.organization.in_severa:
        match(arrangement)


def match(arrangement: Arrangement) -> None:
    """Give each of our users the guid of the active user in Severa with his address, as last read. Who was matched
    before stays who he is there, whatever his address became."""
    there = _lists(arrangement).users
    known = {one.guid for one in there}
    for user in _ours(arrangement):
        if user.severa_id not in known:
            found = _guids_of(user, there)
            User.objects.filter(pk=user.pk).update(severa_id=found[0] if len(found) == 1 else "")


def matched(user: User, directory: Directory) -> str:
    """The user's guid in Severa; found now, if he was not. Raises MailboxError with a code for him alone."""
    known = directory.user(user.severa_id) if user.severa_id else None
    if known is not None:
        if not known.is_there:
            raise MailboxError("severa_user_inactive")
        return known.guid
    found = _guids_of(user, directory.users())
    if len(found) != 1:
        raise MailboxError("severa_user_twice" if found else "severa_user_not_found")
    User.objects.filter(pk=user.pk).update(severa_id=found[0])
    user.severa_id = found[0]
    return found[0]


def colleagues(arrangement: Arrangement, directory: Directory) -> Iterator[Colleague]:
    """Severa's active users as the engine's, whether or not we know them (rule 4.2)."""
    ours = {user.severa_id: user for user in mailboxes.with_mailboxes(arrangement.organization_id) if user.severa_id}
    for one in directory.users():
        if not one.is_there:
            continue
        user = ours.get(one.guid)
        colleague = mailboxes.colleague(user) if user else Colleague(one.guid, one.address)
        aliases = (colleague.aliases | {colleague.address}) - {one.address, ""}
        own = one.default_type_id
        yield replace(colleague, psa_id=one.guid, address=one.address, aliases=aliases, default_type_id=own)


def types(arrangement: Arrangement, found: Iterable[schema.ActivityType]) -> tuple[rules.ActivityType, ...]:
    """Severa's activity types as the engine's rules take them."""
    return tuple(
        rules.ActivityType(
            id=one.guid,
            name=one.name,
            category=category(one.category),
            active=one.is_active,
            is_default=one.is_default,
            ticked=one.guid in arrangement.ticked,
        )
        for one in found
    )


def known_types(arrangement: Arrangement) -> list[rules.ActivityType]:
    """Those that may go out, by name, as last read."""
    found = types(arrangement, _lists(arrangement).types)
    return sorted((one for one in found if one.active and one.category is not Category.PROJECT_TASK), key=_by_name)


def rows(arrangement: Arrangement) -> list[Row]:
    """Severa's active users by name, as last read."""
    there = [one for one in _lists(arrangement).users if one.is_there]
    counted = Counter(one.address for one in there)
    ours = {user.email: user for user in mailboxes.with_mailboxes(arrangement.organization_id)}
    return sorted((_row(one, ours.get(one.address), counted) for one in there), key=lambda row: row.name.casefold())


def known(arrangement: Arrangement, guid: str) -> schema.User | None:
    """A user of Severa's, as last read."""
    return next((one for one in _lists(arrangement).users if one.guid == guid), None)


def who_does_not_sync(arrangement: Arrangement, guids: Collection[str]) -> list[str]:
    """Names of these users of Severa's whose calendars nothing reaches (rule 4.1)."""
    return [row.name for row in rows(arrangement) if row.id in guids and not row.syncs]


def invite(arrangement: Arrangement, guid: str, by: User) -> Invitation:
    """Give an active user of Severa an account, in the zone he has there, and mail him a link to set his password.

    Raises Refused("nobody_to_invite"), AccountError (his address is taken in another organization).
    """
    row = next((row for row in rows(arrangement) if row.id == guid and row.may_be_invited), None)
    if row is None:
        raise Refused("nobody_to_invite")
    user = row.user or add_user(arrangement.organization, row.email, row.name, zone=row.zone, by=by)
    if arrangement.organization.in_severa:
        match(arrangement)
    return send_invitation(user, by)


def without_severa(arrangement: Arrangement, people: Iterable[Row]) -> list[User]:
    """Our active users whom nobody of these in Severa matches."""
    there = {row.email for row in people if not row.problem}
    return [user for user in _ours(arrangement).order_by("name") if user.email not in there]


def _row(one: schema.User, user: User | None, counted: Counter[str]) -> Row:
    address = one.address
    problem = "severa_user_without_address" if not address else "severa_user_twice" if counted[address] > 1 else ""
    settings = one.notification_settings
    mailed = settings is None or settings.send_new_activity_email is not False
    return Row(one.guid, address, _name_of(one), one.zone, user, mailed, problem)


def _name_of(one: schema.User) -> str:
    return " ".join(filter(None, (one.first_name, one.last_name))) or (one.email or "")


def _guids_of(user: User, there: Sequence[schema.User]) -> list[str]:
    """Of the active users in Severa with his address: one, if he is to be matched."""
    return [one.guid for one in there if one.is_there and one.address == user.email.casefold()]


def _by_name(one: rules.ActivityType) -> str:
    return one.name.casefold()


def _ours(arrangement: Arrangement) -> QuerySet[User]:
    users: QuerySet[User] = User.objects.of(arrangement.organization_id).active()
    return users


def _lists(arrangement: Arrangement) -> Lists:
    kept = DjangoMirror(arrangement.organization_id).state("lists")
    return msgspec.json.decode(kept, type=Lists) if kept else Lists()
