"""What a run would do, in rows a person can read before he accepts it (rules 3.5, 8.3).

The preview is the very plan the run executes, made by the same code from the same observation. Rows hold titles: they
are for the mailbox's own user only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from samklang.engine import canonical
from samklang.engine.actions import (
    Action,
    Brake,
    CreateActivity,
    CreateEvent,
    Delete,
    Detach,
    Join,
    LeaveOut,
    NearMatch,
    Plan,
    PutAside,
    Revive,
    TakeOver,
    Unlink,
    Update,
)
from samklang.engine.model import AllDay, FieldKey, Link, SeenActivity, SeenEvent, SetAside, Side, When
from samklang.sync.observe import Observed
from samklang.sync.parts import Parts
from samklang.sync.run import plan_now


@dataclass(frozen=True, slots=True)
class Row:
    """One entry, or pair, of the preview."""

    #: The action: "Join", "CreateEvent", "CreateActivity", "Revive", "Update", "Detach", "Delete", "TakeOver",
    #: "Unlink", "LeaveOut", "PutAside", or "NearMatch", which nothing is done about.
    kind: str
    #: Title and time as on the PSA side where the entry exists there, else as in Exchange; "" and None when unread.
    title: str = ""
    when: When | None = None
    series: bool = False
    psa_id: str | None = None
    item_id: str | None = None
    #: Side on which it is removed or set aside, else "".
    side: str = ""
    #: The rule that decides so, e.g. "3.3".
    rule: str = ""
    #: Why it is set aside: a stable code.
    code: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    #: Fields in which a matched pair differs (they stay as they are until edited), or a near match's one difference.
    differs: tuple[FieldKey, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """In plain values; "start" and "end" are ISO dates (end exclusive) or instants in UTC, "zone" of the latter."""
        values = {
            name: getattr(self, name)
            for name in ("kind", "title", "series", "psa_id", "item_id", "side", "rule", "code")
        }
        return (
            values
            | _times(self.when)
            | {
                "params": dict(self.params),
                "differs": list(self.differs),
            }
        )


def _times(when: When | None) -> dict[str, Any]:
    if when is None:
        return {"start": None, "end": None, "zone": None, "all_day": False}
    if isinstance(when, AllDay):
        return {"start": when.first.isoformat(), "end": when.end.isoformat(), "zone": None, "all_day": True}
    return {"start": when.start.isoformat(), "end": when.end.isoformat(), "zone": when.zone, "all_day": False}


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan to be read and accepted."""

    plan_id: str
    rows: tuple[Row, ...] = ()
    brake: Brake | None = None

    def counts(self) -> Mapping[str, int]:
        """Rows by kind, e.g. {"Join": 12, "CreateActivity": 3}."""
        return Counter(row.kind for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """The same in plain values: "plan", "counts", "brake" (or None) and "rows", whose times are ISO strings."""
        return {
            "plan": self.plan_id,
            "counts": dict(self.counts()),
            "brake": asdict(self.brake) if self.brake else None,
            "rows": [row.as_json() for row in self.rows],
        }


def preview(parts: Parts) -> Preview:
    """The plan a run started now would execute. Reads both calendars, writes nothing.

    Raises the errors of `sync.errors` that would end a run.
    """
    observed, plan = plan_now(parts, parts.store.state())
    return Preview(plan.id, tuple(_rows(observed, plan)), plan.brake)


def _rows(observed: Observed, plan: Plan) -> Iterator[Row]:
    for action in plan.actions:
        row = _row(observed, action)
        if row is not None:
            yield replace(row, kind=type(action).__name__)
    for near in plan.near_matches:
        yield replace(_near(observed, near), kind="NearMatch")
    for (side, entry_id), unread in observed.unreadable.items():
        yield replace(_unread("PutAside", side, entry_id), rule="10.1", code=unread.code)


def _row(observed: Observed, action: Action) -> Row | None:
    match action:
        case CreateEvent():
            return _about(action.activity, None, action.rule)
        case CreateActivity() | Revive():
            return _about(None, action.event, action.rule)
        case Join():
            differs = canonical.changed_keys(action.base.psa, action.base.exchange)
            return _about(action.activity, action.event, action.rule, differs)
        case Update():
            return _about(action.activity, action.event, action.rule, action.psa_fields | action.exchange_fields)
        case Delete():
            return replace(_about_link(observed, action.link, action.rule), side=action.side.value)
        case Detach():
            return replace(_about(action.activity, None, action.rule), title=action.entry.title, when=action.entry.when)
        case TakeOver() if action.copy is not None:
            return replace(_about(action.activity, action.copy, action.rule), side=Side.EXCHANGE.value)
        case Unlink():
            return _about_link(observed, action.link, action.rule)
        case LeaveOut():
            if isinstance(action.seen, SeenActivity):
                return _about(action.seen, None, action.rule)
            return _about(None, action.seen, action.rule)
        case PutAside():
            return _waiting(observed, action.entry)
        case _:
            return None  # remembered without anybody noticing


def _about(
    activity: SeenActivity | None, event: SeenEvent | None, rule: str, differs: Collection[FieldKey] = ()
) -> Row:
    seen = activity or event
    return Row(
        kind="",
        title=seen.entry.title if seen else "",
        when=seen.entry.when if seen else None,
        series=seen.entry.is_series if seen else False,
        psa_id=activity.id if activity else None,
        item_id=event.id if event else None,
        rule=rule,
        differs=tuple(sorted(differs)),
    )


def _about_link(observed: Observed, link: Link, rule: str) -> Row:
    """A row about a link of which perhaps neither side was read: its base remembers the title."""
    seen = observed.observation
    row = _about(seen.activities.get(link.psa_id or ""), seen.events.get(link.item_id or ""), rule)
    title = row.title or link.base.psa.get("title", "") or link.base.exchange.get("title", "")
    return replace(row, title=title, psa_id=link.psa_id, item_id=link.item_id)


def _waiting(observed: Observed, entry: SetAside) -> Row:
    seen = observed.observation
    if entry.side is Side.PSA:
        row = _about(seen.activities.get(entry.id), None, "10.1")
    else:
        row = _about(None, seen.events.get(entry.id), "10.1")
    named = _unread("PutAside", entry.side, entry.id)
    return replace(
        row, psa_id=named.psa_id, item_id=named.item_id, side=named.side, code=entry.code, params=dict(entry.params)
    )


def _unread(kind: str, side: Side, entry_id: str) -> Row:
    psa_id, item_id = (entry_id, None) if side is Side.PSA else (None, entry_id)
    return Row(kind, psa_id=psa_id, item_id=item_id, side=side.value)


def _near(observed: Observed, near: NearMatch) -> Row:
    activity = observed.observation.activities.get(near.psa_id)
    event = observed.observation.events.get(near.item_id)
    return replace(_about(activity, event, "3.1", (near.differs,)), psa_id=near.psa_id, item_id=near.item_id)
