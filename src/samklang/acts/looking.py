"""The history as one person may see it: what changed, when, by whom, from which side (rules 1.8, 11.1).

Who may see an activity of Severa's is Severa's to say. Of what was written to colleagues' calendars only those see the
content who own the activity or take part in it, for they see it there, whatever its type (Severa facts §2.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from samklang import psa
from samklang.accounts.models import User
from samklang.activities.models import Activity
from samklang.acts.restoring import is_restorable, who
from samklang.engine.materialize import whole_id
from samklang.mailboxes import journal, reasons
from samklang.mailboxes.models import JournalRow
from samklang.sync.ports import Change


def shown(reader: User, rows: Sequence[JournalRow]) -> list[dict[str, Any]]:
    """The writes in plain values, the content of private entries he does not take part in masked."""
    ids = {row.psa_id for row in rows if row.psa_id}
    names = {user.psa_id: user.name for user in User.objects.of(reader.organization)}
    mine = {row.pk for row in rows if row.mailbox.user_id == reader.pk}
    hidden = psa.hidden_from(reader, ids)
    seen = psa.taking_part(reader, {whole_id(id) for id in ids}) if reader.organization.in_severa else None

    def is_masked(row: JournalRow) -> bool:
        beyond = seen is not None and row.pk not in mine and whole_id(row.psa_id or "") not in seen
        return row.psa_id in hidden or beyond

    return [_row(reader, row, is_masked(row), names, row.pk in mine) for row in rows]


def _row(reader: User, row: JournalRow, masked: bool, names: dict[str, str], mine: bool) -> dict[str, Any]:
    change = journal.change_of(row)
    return {
        "id": row.pk,
        "at": row.at,
        "run": row.run_id if mine else None,
        "side": row.side,
        "kind": row.kind,
        "cause": row.cause,
        "by": who(row, names, reader.organization.psa_name),
        "rule": row.rule,
        "why": reasons.why(row.rule),
        "activity": row.psa_id,
        "event": row.item_id if mine else None,
        "title": _("Private") if masked else _title(reader, row, change),
        "fields": [] if masked else list(_fields(change)),
        "masked": masked,
        "restorable": mine and not masked and is_restorable(row),
        "undone_at": row.undone_at,
    }


def _title(reader: User, row: JournalRow, change: Change) -> str:
    """What it was called then; of a change that left the title alone, what it is called now."""
    title = change.after.get("title") or change.before.get("title")
    if title or not row.psa_id:
        return title or ""
    if reader.organization.in_severa:
        return psa.title_of(reader, whole_id(row.psa_id))
    return Activity.objects.filter(guid=row.psa_id).values_list("name", flat=True).first() or ""


def _fields(change: Change) -> Iterable[Mapping[str, Any]]:
    for key in sorted(change.before.keys() | change.after.keys(), key=reasons.field_order):
        lost = [value for name, value in change.losers.items() if name.partition(":")[2] == key]
        yield {
            "field": key,
            "before": change.before.get(key),
            "after": change.after.get(key),
            "lost": lost[0] if lost else None,
        }
