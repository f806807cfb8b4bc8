"""What counts as equal (rules 2 and 7.1): an entry as comparable text, field by field.

Servers rewrite what they are given: HTML, line ends, zone names, sub-seconds, the spelling of a repeat rule. Two
entries are equal when their canonical fields are; nothing else is ever compared.

Keys: "title", "time", "place", "text", "sensitivity", "recurrence"; for a series also "x:2026-03-02" (value
"cancelled") and "x:2026-03-02:title", ":time", ":place", ":text", ":sensitivity" for what that occurrence has of its
own. What an occurrence takes from the series has no key, so a later edit of the series reaches it and one of its own
fields does not (rule 5.3). Dates the rule does not give have no key: there is nothing to change or cancel.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from samklang.engine import times
from samklang.engine.htmltext import visible_text
from samklang.engine.model import AllDay, Entry, FieldKey, Fields, Inexpressible, Occurrence, Recurrence, Timed, When
from samklang.engine.recurrence import aligned, explicit, slot, slot_days
from samklang.engine.recurrence import canonical as canonical_rule

#: Stored with every base; when the canonical form changes, bases are reckoned anew from their stored values.
CANON_VERSION = 1

#: Keys of an entry itself, in the order people read them.
PLAIN_KEYS: tuple[FieldKey, ...] = ("title", "time", "place", "text", "sensitivity", "recurrence")
CANCELLED = "cancelled"

# XML 1.0 §2.2 knows no way to write these.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


# --- texts ----------------------------------------------------------------------------------------------------------


def canonical_title(title: str) -> str:
    """One line, NFC, without outer space or characters XML cannot hold. For places too."""
    return _clean(re.sub(r"[\r\n\t\x85\u2028\u2029]+", " ", title)).strip(" \xa0")


def canonical_text(text: str) -> str:
    """Plain text with "\\n" line ends, NFC, no space at line ends, no empty lines around, nothing XML cannot hold."""
    lines = _clean(re.sub(r"\r\n?|[\x85\u2028\u2029]", "\n", text)).replace("\xa0", " ").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", _NOT_IN_XML.sub("", text))


def text_from_html(html: str) -> str:
    """The canonical plain text of an HTML body, as a reader of it sees lines and words.

    A paragraph or other block is a line (Outlook writes one per line and an empty one, holding a no-break space, for
    an empty line); white space folds as in a browser except inside <pre>.
    """
    return canonical_text(visible_text(html))


# --- fields ---------------------------------------------------------------------------------------------------------


def fields(entry: Entry) -> Fields:
    """The entry's canonical values; see the head of this module for the keys."""
    entry = aligned(entry)
    values: dict[FieldKey, str] = {
        "title": canonical_title(entry.title),
        "time": _time(entry.when),
        "place": canonical_title(entry.place),
        "text": canonical_text(entry.text),
        "sensitivity": entry.sensitivity.value,
        "recurrence": _recurrence(entry),
    }
    if entry.is_series:
        for day in known_days(entry, entry.cancelled | frozenset(entry.exceptions)):
            if day in entry.cancelled:
                values[occurrence_key(day)] = CANCELLED
                continue
            for name, value in _own(entry, day).items():
                if name in _OCCURRENCE_FIELDS:
                    key = occurrence_key(day, "time" if name == "when" else name)
                    values[key] = _OCCURRENCE_FIELDS[name](value)
    return values


def occurrence_key(day: date, name: str = "") -> FieldKey:
    """Key of a changed occurrence's own field, or of its being cancelled when no field is named."""
    return f"x:{day.isoformat()}:{name}" if name else f"x:{day.isoformat()}"


def occurrence_of(key: FieldKey) -> date | None:
    """The original date a key speaks of; None for a key of the entry itself."""
    return date.fromisoformat(key[2:12]) if key.startswith("x:") else None


def field_name(key: FieldKey) -> str:
    """The name of the field a key is about, the series' or an occurrence's: "title" of "x:2026-03-02:title"."""
    return key[13:] if key.startswith("x:") else key


def changed_keys(before: Fields, after: Fields) -> frozenset[FieldKey]:
    """Keys whose value differs, came or went."""
    return frozenset(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def digest(values: Fields) -> str:
    """The same for equal fields, whatever their order."""
    joined = "\x1e".join(f"{key}\x1f{values[key]}" for key in sorted(values))
    return hashlib.sha256(joined.encode()).hexdigest()


def with_fields(target: Entry, source: Entry, keys: Iterable[FieldKey]) -> Entry:
    """`target` with the named fields as `source` has them.

    Occurrences of the target follow: what they take from the series changes with it, what is their own stays. Changed
    and cancelled dates that a new rule no longer gives are dropped (rule 5.4).
    """
    keys = frozenset(keys)
    source = aligned(source)
    if "time" in keys and isinstance(target.recurrence, Recurrence):
        # Its rule must not take another meaning from another start.
        target = replace(target, recurrence=explicit(target.recurrence, times.local_day(target.when)))
    own = {day: _own(target, day) for day in target.exceptions}
    cancelled = set(target.cancelled)
    series = replace(target, **{name: getattr(source, name) for name in _SIMPLE & keys})
    if "time" in keys:
        series = replace(series, when=_moved(series, source.when))
    if "recurrence" in keys:
        series = _with_rule(series, source)
    for key in keys:
        day = occurrence_of(key)
        if day is None:
            continue
        name = key[13:]
        if not name:
            (cancelled.add if day in source.cancelled else cancelled.discard)(day)
            continue
        theirs = _own(source, day) if day in source.exceptions and day not in source.cancelled else {}
        name = "when" if name == "time" else name
        own.setdefault(day, {}).pop(name, None)
        if name in theirs:
            own[day][name] = theirs[name]
    return _composed(series, own, frozenset(cancelled))


def _moved(target: Entry, when: When) -> When:
    """The new time in the target's own name for its zone; the zone of a series travels with its rule alone."""
    old = target.when
    if not isinstance(when, Timed) or not isinstance(old, Timed):
        return when
    same = times.canonical_zone(old.zone) == times.canonical_zone(when.zone)
    return replace(when, zone=old.zone) if target.is_series or same else when


def _with_rule(series: Entry, source: Entry) -> Entry:
    rule = source.recurrence
    if rule is not None and not isinstance(rule, Inexpressible):
        # What the source's start implied is written out, for the target may start on another day.
        rule = explicit(rule, times.local_day(source.when))
    old, new = series.when, source.when
    if isinstance(old, Timed) and isinstance(new, Timed):
        same = times.canonical_zone(old.zone) == times.canonical_zone(new.zone)
        series = series if same else replace(series, when=replace(old, zone=new.zone))
    return replace(series, recurrence=rule)


def _composed(series: Entry, own: Mapping[date, Mapping[str, Any]], cancelled: frozenset[date]) -> Entry:
    if not series.is_series:
        return replace(series, exceptions={}, cancelled=frozenset())
    exceptions = {}
    for day in known_days(series, frozenset(own) - cancelled):
        if own[day]:
            whole: dict[str, Any] = {
                "title": series.title,
                "when": slot(series, day),
                "place": series.place,
                "text": series.text,
                "sensitivity": series.sensitivity,
                "availability": series.availability,
            }
            exceptions[day] = Occurrence(**{**whole, **own[day]})
    return replace(series, exceptions=exceptions, cancelled=frozenset(known_days(series, cancelled)))


def known_days(entry: Entry, wanted: frozenset[date]) -> list[date]:
    """Those dates the rule gives, ascending; all of them when we cannot read the rule."""
    if not wanted or isinstance(entry.recurrence, Inexpressible):
        return sorted(wanted)
    return [day for day in slot_days(entry, min(wanted), max(wanted)) if day in wanted]


def _own(entry: Entry, day: date) -> dict[str, Any]:
    """What a changed occurrence has of its own, by attribute, as it stands there."""
    changed = entry.exceptions[day]
    own: dict[str, Any] = {
        name: getattr(changed, name)
        for name in ("title", "place", "text", "sensitivity", "availability")
        if _compared(getattr(changed, name), name) != _compared(getattr(entry, name), name)
    }
    if _time(changed.when) != _time(slot(entry, day)):
        own["when"] = changed.when
    return own


def _compared(value: Any, name: str) -> str:
    return _OCCURRENCE_FIELDS[name](value) if name in _OCCURRENCE_FIELDS else str(value)


def _time(when: When) -> str:
    if isinstance(when, AllDay):
        return f"{when.first.isoformat()}/{when.end.isoformat()}"
    return f"{_instant(when.start)}/{_instant(when.end)}"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _recurrence(entry: Entry) -> str:
    """Rule and zone. A single entry's zone is a hint, not content; a series dates its occurrences by it."""
    if entry.recurrence is None:
        return ""
    rule = canonical_rule(entry.recurrence, times.local_day(entry.when))
    return rule if isinstance(entry.when, AllDay) else f"{rule}@{times.canonical_zone(entry.when.zone)}"


_SIMPLE = frozenset({"title", "place", "text", "sensitivity"})
_OCCURRENCE_FIELDS: dict[str, Any] = {
    "title": canonical_title,
    "when": _time,
    "place": canonical_title,
    "text": canonical_text,
    "sensitivity": str,
}
