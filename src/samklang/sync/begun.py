"""What became of writes nobody answered for: a run was cut off at them, or the server failed (rules 11.1, 10.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from samklang.engine.model import Base, FieldKey, Fields, Gone, Link, LinkStatus, Side
from samklang.engine.people import RESPONSE, is_about_people
from samklang.engine.rules import Rules, content
from samklang.sync.known import Known, id_on
from samklang.sync.look import Look
from samklang.sync.parts import Parts
from samklang.sync.ports import Begun, Change
from samklang.sync.record import LAID_OUT_ANEW, without_missing_dates

Looks = Mapping[Side, Look[Any]]


def settle(parts: Parts, known: Known, rules: Rules, looks: Looks) -> tuple[dict[str, bool], list[Link]]:
    """Ids of the begun writes with whether they took effect, and the links that know now what they wrote.

    What cannot be read stays open, and so does an update while its entries wait: the links of those are only told to
    `known`, for to record a link ends its waiting.
    """
    settled: dict[str, bool] = {}
    mended: list[Link] = []
    for one, happened in tuple(_became(parts, known, rules, looks)):
        side = one.change.side
        link = known.link_of(side, one.change.entry_id)
        waits = link is not None and one.change.kind == "update" and known.waits(link, parts.now())
        seen = looks[side].seen.get(one.change.entry_id)  # None: somebody deleted it since
        if seen is not None and link is not None and happened and _is_a_runs_update(link, one.change):
            there, source_id = looks[side.other], id_on(link, side.other) or ""
            there.ask(there.missing({source_id} - {""}))
            source = there.seen.get(source_id)
            link = _as_written(link, one.change, content(seen, rules), content(source, rules) if source else {})
            known.keep(link)
            mended.extend([] if waits else [link])
        if not waits:
            settled[one.id] = happened
    return settled, mended


def _became(parts: Parts, known: Known, rules: Rules, looks: Looks) -> Iterator[tuple[Begun, bool]]:
    begun = parts.store.begun()
    for side, look in looks.items():
        ours = [one for one in begun if one.change.side is side]
        ours = [one for one in ours if not _is_left_waiting(one.change, parts, known, looks)]
        look.ask(look.missing([one.change.entry_id for one in ours]))
        for one in ours:
            seen = look.seen.get(one.change.entry_id)
            if seen is not None:
                yield one, _took_effect(one.change, content(seen, rules))
            elif one.change.entry_id in look.gone:
                moved = look.gone[one.change.entry_id] is Gone.MOVED
                yield one, not (moved and one.change.kind == "delete")


def _is_left_waiting(change: Change, parts: Parts, known: Known, looks: Looks) -> bool:
    """True while nothing is new about an entry that is set aside: waiting costs no request."""
    link = known.link_of(change.side, change.entry_id)
    if link is None or change.kind != "update" or not known.waits(link, parts.now()):
        return False
    return all(id_on(link, side) not in looks[side].seen for side in Side)


def _took_effect(change: Change, now: Fields) -> bool:
    """Whether an entry that is still there is any different from before the write."""
    return change.kind != "delete" and any(now.get(key) != change.before.get(key) for key in _keys(change))


def _is_a_runs_update(link: Link, change: Change) -> bool:
    """What somebody restores or undoes is his own edit, to be brought across like any other."""
    return link.status is LinkStatus.LINKED and change.kind == "update" and change.cause == "sync"


def _as_written(link: Link, change: Change, now: Fields, source: Fields) -> Link:
    """The link with what our write left there: that is no person's edit (rule 7.2).

    The other side had it then and may have been edited since, even back to what it was before: there it counts as
    edited until the two are compared; also what it no longer has, for a new time drops a series' dates (rule 5.4),
    and an invitation sent anew has no answer yet.
    """
    ours = {key for key in _keys(change) if key == RESPONSE or not is_about_people(key)}
    ours = {key for key in ours if change.before.get(key) != change.after.get(key) == now.get(key)}
    theirs = dict(_without(link.base.of(change.side.other), ours))
    theirs |= {key: change.after[key] for key in ours if key in change.after and key not in source}
    held = {**_without(link.base.of(change.side), ours), **{key: now[key] for key in ours if key in now}}
    base = Base(held, theirs) if change.side is Side.PSA else Base(theirs, held)
    if link.reason != LAID_OUT_ANEW:
        return replace(link, base=base)
    # The rule is known now; it no longer tells that nobody removed the dates that went with the old one (5.4).
    return replace(link, reason="", base=without_missing_dates(base, now))


def _keys(change: Change) -> set[FieldKey]:
    return {*change.before, *change.after}


def _without(values: Fields, keys: Collection[FieldKey]) -> dict[FieldKey, str]:
    return {key: value for key, value in values.items() if key not in keys}
