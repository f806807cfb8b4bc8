"""Activities that are meetings in somebody's mailbox, without a run having made them so."""

from __future__ import annotations

from samklang.accounts.models import User
from samklang.activities.models import Activity
from samklang.engine.model import LinkStatus, Role
from samklang.mailboxes.models import Connection, LinkRow, Mailbox


def syncs(user: User, *, on: bool = True) -> Mailbox:
    """The user's mailbox, switched on or off."""
    connection, _made = Connection.objects.get_or_create(organization=user.organization, defaults={"enabled": True})
    mailbox, _made = Mailbox.objects.update_or_create(user=user, connection=connection, defaults={"on": on})
    return mailbox


def link(user: User, activity: Activity, role: Role, *, status: LinkStatus = LinkStatus.LINKED) -> LinkRow:
    """The activity as the event his mailbox has of it."""
    return LinkRow.objects.create(
        mailbox=syncs(user),
        status=status,
        psa_id=activity.psa_id,
        item_id=f"item of {activity.psa_id}",
        uid=f"uid of {activity.psa_id}",
        born="exchange",
        role=role,
    )
