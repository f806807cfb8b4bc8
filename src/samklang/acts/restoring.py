"""Put back one journalled write, as its user's own act (rule 11.2)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from samklang.accounts.models import User
from samklang.accounts.services import audit
from samklang.clock import now
from samklang.mailboxes import errands, history, journal
from samklang.mailboxes.models import JournalRow, Mailbox
from samklang.mailboxes.services import Refused
from samklang.mailboxes.store import DjangoStore
from samklang.psa import opened_for
from samklang.sync.errors import ItemError, NotFound, SyncError, VersionConflict
from samklang.sync.undo import restore
from samklang.wiring import rules_for


def restore_write(mailbox: Mailbox, row_id: int, by: User | None) -> None:
    """Put back what this write of the mailbox's history went over; the next run carries it to Exchange.

    Raises Refused: "no_such_write", "restored_already", "nothing_to_restore", or why the calendar does not take it.
    """
    row = history.rows_of(mailbox).filter(pk=row_id).first()
    if row is None:
        raise Refused("no_such_write")
    if row.undone_at is not None:
        raise Refused("restored_already")
    store = DjangoStore(mailbox.pk, None, now)
    person = errands.person(mailbox, "restore")
    change, key = journal.change_of(row), f"restore:{row.pk}"
    try:
        with opened_for(mailbox.user) as psa:
            restore(psa.as_person, store, rules_for(mailbox, psa), change, person, key)
    except ItemError as error:
        raise Refused(error.detail or error.code) from error
    except NotFound as error:
        raise Refused("entry_gone") from error
    except VersionConflict as error:
        raise Refused("keeps_changing") from error
    except SyncError as error:
        # Severa is not to be reached just now.
        raise Refused(error.code) from error
    history.mark_undone(row, now())
    audit(mailbox.user.organization, "sync.restore", by=by, mailbox=mailbox.pk, write=row.pk)


def is_restorable(row: JournalRow) -> bool:
    """Whether a restore of this write may be asked for."""
    return row.kind in history.RESTORABLE and row.undone_at is None


def who(row: JournalRow, names: dict[str, str], psa: str) -> str:
    """Who or what made us write, in words; `names` of users by PSA id, `psa`: `Organization.psa_name`."""
    name = names.get(row.by, "")
    if row.cause == "restore":
        return _("restored by %(name)s") % {"name": name or _("somebody")}
    if row.cause == "undo":
        return _("undone by %(name)s") % {"name": name or _("somebody")}
    if row.cause == "leaving":
        return _("removed when %(name)s switched off") % {"name": name or _("somebody")}
    if row.side == "psa":
        return _("a change in Outlook")
    text = _("a change in %(psa)s by %(name)s") if name else _("a change in %(psa)s")
    return text % {"psa": psa, "name": name}
