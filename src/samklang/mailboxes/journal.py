"""The journal: every write of the sync, who or what caused it, and what the entry held before and after (rule 11.1).

Rows are sealed. `mailboxes.history` reads them for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from samklang.engine.model import Fields, Side
from samklang.mailboxes import statements
from samklang.mailboxes.models import JournalRow
from samklang.mailboxes.secrets import open_json, seal_json
from samklang.sync.ports import Begun, Change


def insert(mailbox_id: int, run_id: int | None, at: datetime, change: Change) -> statements.Statement:
    """Write down a change that was made."""
    return statements.insert(JournalRow, _values(mailbox_id, run_id, at, change))


def begin(mailbox_id: int, run_id: int | None, at: datetime, change: Change) -> str:
    """Write down a change that is about to be made; returns its row's id."""
    row = JournalRow.objects.create(**_values(mailbox_id, run_id, at, change) | {"settled": False})
    return str(row.pk)


def finish(begun_id: str, change: Change) -> statements.Statement:
    """The begun change was made, and this is what became of it."""
    sql = f"update {JournalRow._meta.db_table} set settled = true, item_id = %s, content = %s where id = %s"  # noqa: S608
    return statements.Statement(sql, (change.item_id, _content(change), int(begun_id)))


def settle(begun_id: str, *, happened: bool) -> None:
    """The begun change took effect, or never did."""
    row = JournalRow.objects.filter(pk=int(begun_id), settled=False)
    if happened:
        row.update(settled=True)
    else:
        row.delete()


def begun(mailbox_id: int) -> Sequence[Begun]:
    """Changes that were begun and not settled, oldest first."""
    rows = JournalRow.objects.filter(mailbox_id=mailbox_id, settled=False).order_by("pk")
    return [Begun(str(row.pk), change_of(row)) for row in rows]


def gone_over(mailbox_id: int, item_id: str) -> Sequence[Fields]:
    """What updates of this event and its activity replaced, one by one."""
    rows = JournalRow.objects.filter(mailbox_id=mailbox_id, item_id=item_id, kind="update")
    return [change_of(row).before for row in rows.iterator()]


def change_of(row: JournalRow) -> Change:
    """The row as the sync speaks of it, in clear."""
    content = open_json(row.content)
    return Change(
        side=Side(row.side),
        kind=row.kind,
        psa_id=row.psa_id,
        item_id=row.item_id,
        before=content.get("before", {}),
        after=content.get("after", {}),
        losers=content.get("losers", {}),
        rule=row.rule,
        by=row.by,
        cause=row.cause,
    )


def _values(mailbox_id: int, run_id: int | None, at: datetime, change: Change) -> dict[str, object]:
    return {
        "mailbox_id": mailbox_id,
        "run_id": run_id,
        "at": at,
        "side": change.side.value,
        "kind": change.kind,
        "psa_id": change.psa_id,
        "item_id": change.item_id,
        "rule": change.rule,
        "by": change.by,
        "cause": change.cause,
        "settled": True,
        "content": _content(change),
    }


def _content(change: Change) -> bytes:
    parts = {"before": change.before, "after": change.after, "losers": change.losers}
    return seal_json({name: dict(values) for name, values in parts.items()})
