"""Whose mailbox it is (rule 1.3): found by e-mail, held by one user, handed over, looked for anew."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from samklang.accounts.models import User
from samklang.accounts.services import audit
from samklang.mailboxes import access, dirty
from samklang.mailboxes.models import Mailbox
from samklang.mailboxes.services import UNFOUND, Refused
from samklang.sync.errors import MailboxError

#: Named errors of one user alone: his mailbox is a colleague's, or that of somebody in another organization.
COLLEAGUES, ANOTHERS = "mailbox_of_colleague", "mailbox_of_another_organization"


def find(mailbox: Mailbox) -> None:
    """Find the user's mailbox by his e-mail, primary or secondary, and hold it for him.

    Where it is another one than before, its events are read anew. Raises `MailboxError` with a code of its own for
    this user: no mailbox, several, a colleague's, or one another organization holds.
    """
    found = access.find_mailbox(mailbox.connection, mailbox.user.email)
    other = mailbox.directory_id not in (None, found.directory_id)
    try:
        with transaction.atomic():
            Mailbox.objects.filter(directory_id=found.directory_id, on=False).exclude(pk=mailbox.pk).update(**UNFOUND)
            Mailbox.objects.filter(pk=mailbox.pk).update(
                address=found.address,
                matched_by=found.matched_by,
                directory_id=found.directory_id,
                aliases=list(found.aliases),
                **({"exchange_token": ""} if other else {}),
            )
    except IntegrityError:
        holder = Mailbox.objects.select_related("user").get(directory_id=found.directory_id)
        same = holder.user.organization_id == mailbox.user.organization_id
        raise MailboxError(COLLEAGUES if same else ANOTHERS) from None
    mailbox.refresh_from_db()


def take_over(mailbox: Mailbox, by: User | None) -> None:
    """Hand the mailbox another organization holds to this user, whose organization can open it (rule 1.3).

    The act of his organization's administrator, or an operator's (`by` None); named in both histories. The one who held
    it is switched off there; nothing is deleted. Raises Refused("nothing_to_take_over"), SyncError.
    """
    if mailbox.error_code != ANOTHERS:
        raise Refused("nothing_to_take_over")
    found = access.find_mailbox(mailbox.connection, mailbox.user.email)
    with transaction.atomic():
        held = Mailbox.objects.select_related("user__organization").select_for_update(of=("self",))
        holder = held.filter(directory_id=found.directory_id).exclude(pk=mailbox.pk).first()
        organization = mailbox.user.organization
        if holder is not None:
            if holder.user.organization_id == organization.pk:
                raise Refused("nothing_to_take_over")
            gone = {**UNFOUND, "on": False, "error_code": "mailbox_taken_over", "error_detail": "", "next_due": None}
            Mailbox.objects.filter(pk=holder.pk).update(**gone, exchange_token="")
            audit(holder.user.organization, "mailbox.lost", by=None, subject=holder.user.guid, to=organization.name)
        before = holder.user.organization.name if holder else ""
        audit(organization, "mailbox.take_over", by=by, subject=mailbox.user.guid, from_=before)
        Mailbox.objects.filter(pk=mailbox.pk).update(error_code="", error_detail="", failures=0, next_due=None)
        dirty.mark_mailboxes([mailbox.pk])
    find(mailbox)


def read_anew(mailbox: Mailbox, by: User | None) -> None:
    """Read both calendars in full with the next run and match them again (rule 8.5): after a restored backup, or when
    a user was let in again. No delete follows from what is missing then."""
    Mailbox.objects.filter(pk=mailbox.pk).update(psa_token="", exchange_token="")
    audit(mailbox.user.organization, "sync.read_anew", by=by, subject=mailbox.user.guid)
    dirty.mark_mailboxes([mailbox.pk])
