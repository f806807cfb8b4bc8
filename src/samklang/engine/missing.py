"""Linked entries missing on one side after lost state (rule 8.5): their user says what becomes of them.

Until he does, neither side is written for them, edited or not. The link remembers that it waits (reason MISSING), the
set-aside row of what is left lists it and takes the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from samklang.engine.actions import PutAside
from samklang.engine.changes import Change, Pair
from samklang.engine.context import Context
from samklang.engine.model import SetAside, Side

#: Reason of a link one side of which is missing, and the code it is set aside with.
MISSING, CODE = "8.5", "missing_after_resync"
#: Name of the answer among the parameters of the set-aside row.
ANSWER = "choice"


class Choice(StrEnum):
    #: It was deleted: the entry that is left goes as rule 8.2 says.
    REMOVE = "remove"
    #: It was lost: made again on the side that misses it, or taken out of the trash.
    PUT_BACK = "put_back"


def is_missing(pair: Pair, context: Context) -> bool:
    """True where one side alone is gone, and that proves nothing."""
    one_sided = (pair.psa is Change.GONE) != (pair.exchange is Change.GONE)
    return one_sided and (context.seen.resync or pair.link.reason == MISSING)


def is_found_again(pair: Pair, context: Context) -> bool:
    """True where what was missing was seen again: nothing is to be chosen any longer."""
    if pair.link.reason != MISSING or Change.GONE in (pair.psa, pair.exchange):
        return False
    waiting = context.aside.get((Side.PSA, pair.link.psa_id or ""))
    event_was_missing = waiting is not None and waiting.code == CODE
    return (pair.event if event_was_missing else pair.activity) is not None


def choice(pair: Pair, context: Context) -> Choice | None:
    waiting = context.aside.get(_left(pair)[:2])
    answer = waiting.params.get(ANSWER) if waiting is not None and waiting.code == CODE else None
    return Choice(answer) if answer else None


def ask(pair: Pair, context: Context) -> Sequence[PutAside]:
    """List what is left for its user to choose, unless it is listed."""
    side, entry_id, version = _left(pair)
    waiting = context.aside.get((side, entry_id))
    listed = waiting is not None and waiting.code == CODE and waiting.version == version
    if listed and pair.link.reason == MISSING:
        return []
    return [PutAside(SetAside(side, entry_id, CODE, version=version), replace(pair.link, reason=MISSING))]


def _left(pair: Pair) -> tuple[Side, str, str]:
    """Side, id and version of what is left."""
    link = pair.link
    if pair.exchange is Change.GONE:
        return Side.PSA, link.psa_id or "", pair.activity.version if pair.activity else link.psa_version
    return Side.EXCHANGE, link.item_id or "", pair.event.version if pair.event else link.item_version
