"""The organization's users as the engine's directory: whose address is whose, and who syncs (rule 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

from samklang.accounts.models import User
from samklang.engine.people import Colleague, Directory


def directory(organization_id: int) -> Directory:
    """Read only when somebody is looked up: an idle run looks nobody up."""
    return Directory(_Colleagues(organization_id))


class _Colleagues(Sequence[Colleague]):
    def __init__(self, organization_id: int) -> None:
        self._organization_id = organization_id

    @cached_property
    def _read(self) -> tuple[Colleague, ...]:
        users = User.objects.of(self._organization_id).active().select_related("mailbox__connection")
        return tuple(_colleague(user) for user in users)

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


def _colleague(user: User) -> Colleague:
    mailbox = getattr(user, "mailbox", None)
    aliases = {mailbox.address.casefold(), *(alias.casefold() for alias in mailbox.aliases)} if mailbox else set()
    return Colleague(
        psa_id=user.psa_id,
        address=user.email.casefold(),
        aliases=frozenset(aliases - {"", user.email.casefold()}),
        syncs=mailbox is not None and mailbox.on and mailbox.connection.enabled,
        default_type_id=user.default_activity_type or None,
    )
