"""What a user asks for that takes a run's time: undo a run (rule 11.2), switch off and remove (rule 12.1).

The mailbox's row names the errand until it is done: cut off, the next job goes on with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from samklang.accounts.models import User
from samklang.accounts.services import audit
from samklang.clock import now
from samklang.engine.model import Side
from samklang.mailboxes import dirty, history, journal
from samklang.mailboxes.models import LinkRow, Mailbox
from samklang.mailboxes.secrets import open_json, seal_json
from samklang.mailboxes.services import Refused
from samklang.sync import leave as leaving
from samklang.sync import undo as undoing
from samklang.sync.parts import Parts
from samklang.sync.ports import Change

UNDO, LEAVE = "undo", "leave"


@transaction.atomic
def ask_undo(mailbox: Mailbox, run_id: int, by: User | None) -> None:
    """Undo one's own run with the next job. Raises Refused("nothing_to_undo" | "switched_off" | "errand_waits")."""
    if not mailbox.on:
        raise Refused("switched_off")
    if not history.of_run(mailbox, run_id):
        raise Refused("nothing_to_undo")
    _ask(mailbox, f"{UNDO} {run_id}", by)


@transaction.atomic
def ask_leave(mailbox: Mailbox, sides: Collection[Side], by: User | None) -> None:
    """Switch off and remove what the sync made on these sides. Raises Refused("switched_off" | "errand_waits")."""
    if not mailbox.on:
        raise Refused("switched_off")
    _ask(mailbox, " ".join([LEAVE, *(side.value for side in Side if side in sides)]), by)


def _ask(mailbox: Mailbox, errand: str, by: User | None) -> None:
    asked = Mailbox.objects.filter(pk=mailbox.pk, errand="").update(errand=errand, stop_asked=False, errand_result=b"")
    if not asked and Mailbox.objects.get(pk=mailbox.pk).errand != errand:
        raise Refused("errand_waits")
    audit(mailbox.user.organization, f"sync.{errand.partition(' ')[0]}", by=by, mailbox=mailbox.pk)
    dirty.mark_mailboxes([mailbox.pk])


def carry_out(mailbox: Mailbox, parts: Parts) -> None:
    """Do the mailbox's errand. Raises SyncError; the errand then stays, and goes on with the next run."""
    what, _space, arguments = mailbox.errand.partition(" ")
    parts = replace(parts, rules=replace(parts.rules, started_on=mailbox.started_on or parts.rules.started_on))
    if what == UNDO:
        rows = _undo(mailbox, parts, int(arguments))
        values: dict[str, Any] = {}
    else:
        rows = leaving.shown(leaving.leave(parts, _sides(arguments), edited(mailbox), person(mailbox, "leaving")))
        values = {"on": False, "switched_at": now(), "waiting_for": "", "waiting_plan": ""}
    Mailbox.objects.filter(pk=mailbox.pk).update(
        errand="", errand_result=seal_json({"errand": what, "stayed": list(rows)}), **values
    )


def result(mailbox: Mailbox) -> Mapping[str, Any]:
    """What the last errand left as it was: "errand", and "stayed" with a row and code for each; empty if none was."""
    return open_json(mailbox.errand_result)


def edited(mailbox: Mailbox) -> Collection[tuple[Side, str]]:
    """Links, by the side a person edited since the sync made the entry there."""
    rows = LinkRow.objects.filter(mailbox=mailbox)
    found = {(Side.PSA, str(pk)) for pk in rows.filter(edited_psa=True).values_list("pk", flat=True)}
    return found | {(Side.EXCHANGE, str(pk)) for pk in rows.filter(edited_exchange=True).values_list("pk", flat=True)}


def person(mailbox: Mailbox, cause: str) -> undoing.Person:
    """The mailbox's user, who asks for it."""
    return undoing.Person(mailbox.user.psa_id, cause)


def _undo(mailbox: Mailbox, parts: Parts, run_id: int) -> list[Mapping[str, Any]]:
    rows = history.of_run(mailbox, run_id)
    changes = [journal.change_of(row) for row in rows]
    row_of = {id(change): row for change, row in zip(changes, rows, strict=True)}

    def done(change: Change) -> None:
        history.mark_undone(row_of[id(change)], now())

    touched = history.touched_since(mailbox, rows)
    results = undoing.undo(parts, changes, person(mailbox, "undo"), done, touched)
    return [
        {
            "title": one.change.after.get("title") or one.change.before.get("title", ""),
            "psa_id": one.change.psa_id,
            "item_id": one.change.item_id,
            "side": one.change.side.value,
            "code": one.code,
        }
        for one in results
        if one.code
    ]


def _sides(arguments: str) -> list[Side]:
    return [Side(word) for word in arguments.split()]
