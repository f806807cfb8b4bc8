"""Whose a meeting is: what the mailboxes of an organization know of an activity."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from samklang.engine.model import LinkStatus, Role
from samklang.mailboxes.models import Connection, LinkRow, Mailbox

_MEETING = [role.value for role in Role if role.is_meeting]


def roles(organization_id: int, psa_id: str) -> Mapping[int, Role]:
    """The users, by id, in whose mailboxes this activity is linked as a meeting, and what each of them is to it.

    Empty for an activity that is no meeting, and for one no mailbox syncs (any longer): that binds nobody.
    """
    links = LinkRow.objects.filter(
        psa_id=psa_id,
        status=LinkStatus.LINKED,
        role__in=_MEETING,
        mailbox__on=True,
        mailbox__user__organization=organization_id,
    )
    return {user_id: Role(role) for user_id, role in links.values_list("mailbox__user_id", "role")}


def without_sync(organization_id: int, user_ids: Collection[int]) -> set[int]:
    """Those of these users whose Outlook calendars no activity reaches (rule 4.1); nobody where no one's is reached."""
    if not Connection.objects.filter(organization=organization_id, enabled=True).exists():
        return set()
    return set(user_ids) - set(Mailbox.objects.filter(user_id__in=user_ids, on=True).values_list("user_id", flat=True))
