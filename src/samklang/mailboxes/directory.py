"""The organization's users as the engine's directory: whose address is whose, and who syncs (rule 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

from django.db.models import QuerySet

from samklang.accounts.models import User
from samklang.engine.people import Colleague, Directory


def directory(organization_id: int) -> Directory:
    return read_late(lambda: map(colleague, with_mailboxes(organization_id)))


def read_late(read: Callable[[], Iterable[Colleague]]) -> Directory:
    """Read only when somebody is looked up: an idle run looks nobody up."""
    return Directory(_Colleagues(read))


def with_mailboxes(organization_id: int) -> QuerySet[User]:
    """The active users with what `colleague` asks for."""
    users: QuerySet[User] = User.objects.of(organization_id).active().select_related("mailbox__connection")
    return users


class _Colleagues(Sequence[Colleague]):
    def __init__(self, read: Callable[[], Iterable[Colleague]]) -> None:
        self._how = read

    @cached_property
    def _read(self) -> tuple[Colleague, ...]:
        return tuple(self._how())

    def __len__(self) -> int:
        return len(self._read)

    def __iter__(self) -> Iterator[Colleague]:
        return iter(self._read)

    @overload
    def __getitem__(self, index: int) -> Colleague: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Colleague]: ...
    def __getitem__(self, index: int | slice) -> Colleague | Sequence[Colleague]:
        return self._read[index]


def colleague(user: User) -> Colleague:
    mailbox = getattr(user, "mailbox", None)
    aliases = {mailbox.address.casefold(), *(alias.casefold() for alias in mailbox.aliases)} if mailbox else set()
    return Colleague(
        psa_id=user.psa_id,
        address=user.email.casefold(),
        aliases=frozenset(aliases - {"", user.email.casefold()}),
        syncs=mailbox is not None and mailbox.on and mailbox.connection.enabled,
        default_type_id=user.default_activity_type or None,
    )
