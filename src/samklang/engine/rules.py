"""Policies as values, and what they make of an entry that crosses to the other side (rules 1.5-1.8 and 2).

`wiring` hands the engine a `Rules` value: what the organization and the user chose. `wanted_event` and
`wanted_activity` say what the other side shall hold: types, privacy, availability, limits and stand-ins. Whatever
they shorten, mask or replace never travels back, because each side has its own base (`changes`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from samklang.engine import recurrence
from samklang.engine.canonical import canonical_text, canonical_title, fields, known_days
from samklang.engine.model import (
    Availability,
    Category,
    Entry,
    Fields,
    Occurrence,
    SeenActivity,
    SeenEvent,
    Sensitivity,
)
from samklang.engine.neighbours import crossing
from samklang.engine.people import NOBODY, Directory, activity_people, event_people, owner_of, participants_of

#: "Private" in the languages of the pages and of Severa (rule 1.6), compared without case.
PRIVATE_NAMES = frozenset(
    {"private", "privat", "yksityinen", "privé", "prive", "privado", "privaat", "privato", "prywatne", "privatus"}
)


class ConflictPolicy(StrEnum):
    """Who wins when both sides changed one field to different values (rule 7.4)."""

    NEWEST = "newest"
    PSA = "psa"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class ActivityType:
    id: str
    name: str
    category: Category
    active: bool = True
    is_default: bool = False
    #: The administrator ticked it: activities of this type are created in Exchange (rule 1.5).
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a plan depends on besides what was observed."""

    #: PSA id of the mailbox's user.
    user_id: str
    #: IANA zone of the user: the cut-off and fallbacks are reckoned in it.
    zone: str
    types: tuple[ActivityType, ...]
    #: The day of the first run in the user's zone; rule 3.3 counts 30 days back from it.
    started_on: date
    #: The user's own default type, if he chose one.
    user_default_type_id: str | None = None
    conflict: ConflictPolicy = ConflictPolicy.NEWEST
    #: The organization's users: whose address is whose, and who syncs (rule 4.2).
    people: Directory = NOBODY
    #: Replacement title for an event without subject, in the user's language (rule 2).
    no_subject: str = "(no subject)"
    #: Stand-in title where the PSA cannot mask a private entry (rule 1.6).
    private_title: str = "Private"
    #: The PSA masks private entries from colleagues (the built-in calendar does).
    psa_masks: bool = True
    #: "Show everything" setting of rule 1.6.
    show_private: bool = False
    #: The user wants a series the other side cannot express refused, not brought as single entries (rule 5.5).
    refuse_inexpressible: bool = False
    #: Severa's limits, or the built-in calendar's: longest title and place; None = no limit.
    psa_title_limit: int | None = None
    psa_place_limit: int | None = 1000
    exchange_title_limit: int | None = 255
    exchange_place_limit: int | None = 255
    #: Brake of rule 8.3.
    brake_count: int = 10
    brake_share: float = 0.20
    brake_absolute: int = 100
    brake_changed: float = 0.90


# --- types ----------------------------------------------------------------------------------------------------------


def type_of(type_id: str, rules: Rules) -> ActivityType | None:
    """The activity type with this id, if the organization (still) has it."""
    return next((kind for kind in rules.types if kind.id == type_id), None)


def is_ticked(type_id: str, rules: Rules) -> bool:
    kind = type_of(type_id, rules)
    return kind is not None and kind.ticked


def private_type(rules: Rules) -> ActivityType | None:
    """The active type called *Private*, in whatever language (rule 1.6)."""
    named = (kind for kind in rules.types if kind.active and kind.name.strip().casefold() in PRIVATE_NAMES)
    return next((kind for kind in named if kind.category is not Category.PROJECT_TASK), None)


def default_type(rules: Rules, chosen_id: str | None = None) -> ActivityType | None:
    """The type of an activity made from a public event (rule 1.6); None if there is no active type at all.

    `chosen_id`: the owner's own default, by default the user's.
    """
    own_id = chosen_id or rules.user_default_type_id
    active = [kind for kind in rules.types if kind.active]
    entries = [kind for kind in active if kind.category is Category.CALENDAR_ENTRY]
    own = [kind for kind in entries if kind.id == own_id]
    chosen = [kind for kind in entries if kind.is_default]
    public = [kind for kind in entries if kind != private_type(rules)]
    return next(iter([*own, *chosen, *public, *entries, *active]), None)


def type_for(event: SeenEvent, rules: Rules) -> str | None:
    """The type id of an activity made from this event; None when the organization has no active type."""
    private = private_type(rules) if event.entry.sensitivity.is_private else None
    owner = rules.people.of_id(owner_of(event, rules.people, rules.user_id))
    kind = private or default_type(rules, owner.default_type_id if owner else None)
    return kind.id if kind else None


def moved_type(type_id: str, private: bool, rules: Rules) -> str | None:
    """The type an activity of this type gets when its event became private or public; None: it keeps its own (1.6).

    Only between *Private* and the default.
    """
    hidden, usual = private_type(rules), default_type(rules)
    if hidden is None or usual is None or hidden == usual:
        return None
    if private and type_id == usual.id:
        return hidden.id
    if not private and type_id == hidden.id:
        return usual.id
    return None


def stays_private(activity: SeenActivity, rules: Rules) -> bool:
    """True for what a person made personal in the PSA: an event made public does not lift that (rule 1.7)."""
    hidden = private_type(rules)
    if hidden is not None and activity.type_id == hidden.id:
        return False
    return activity.category in (Category.PERSONAL, Category.ABSENCE)


def is_eligible(activity: SeenActivity, rules: Rules) -> bool:
    """Whether the PSA may create this activity in Exchange (rule 1.5)."""
    return is_matchable(activity) and is_ticked(activity.type_id, rules)


def is_matchable(activity: SeenActivity) -> bool:
    """Project tasks and drafts take no part at all."""
    return activity.category is not Category.PROJECT_TASK and not activity.draft


# --- what a side holds ----------------------------------------------------------------------------------------------


def is_private(activity: SeenActivity, rules: Rules) -> bool:
    """Private by category, by type, or masked one by one (rules 1.6, 1.7)."""
    hidden = private_type(rules)
    by_type = hidden is not None and activity.type_id == hidden.id
    by_category = activity.category in (Category.PERSONAL, Category.ABSENCE)
    return by_type or by_category or activity.entry.sensitivity.is_private


def seen_entry(seen: SeenActivity | SeenEvent, rules: Rules) -> Entry:
    """The entry as its side holds it; of an activity, type and category speak for its sensitivity.

    The PSA knows private and public only, and a private series has no public occurrence.
    """
    if isinstance(seen, SeenEvent):
        return seen.entry
    private = is_private(seen, rules)
    entry = replace(seen.entry, sensitivity=Sensitivity.PRIVATE if private else Sensitivity.NORMAL)
    return _each(entry, lambda one: replace(one, sensitivity=_private(private or one.sensitivity.is_private)))


def content(seen: SeenActivity | SeenEvent, rules: Rules) -> Fields:
    """Canonical fields of one side's entry, its people among them: what its base is compared with and made of."""
    plain = fields(seen_entry(seen, rules))
    if isinstance(seen, SeenEvent):
        return {**plain, **event_people(seen, rules.people)}
    return {**plain, **activity_people(seen, rules.people, rules.user_id)}


def content_to_be(entry: Entry, type_id: str, rules: Rules) -> Fields:
    """Canonical fields, people apart, of the activity that is about to be made of the entry under this type."""
    kind = type_of(type_id, rules)
    category = kind.category if kind else Category.CALENDAR_ENTRY
    return fields(seen_entry(SeenActivity("", "", entry, type_id, category), rules))


# --- what the other side shall hold ---------------------------------------------------------------------------------


def wanted_event(activity: SeenActivity, rules: Rules) -> Entry:
    """The event an activity becomes: without people, so that nobody is mailed (rules 1.5, 1.7, 2, 4.1).

    A changed occurrence that crosses or overlaps its neighbour is left out (rule 5.2; `crossing` names them).
    """
    entry = recurrence.aligned(seen_entry(activity, rules))
    shown = _availability(activity)

    def fit(one: Occurrence) -> Occurrence:
        return replace(
            one,
            title=_to_exchange_title(one.title, rules),
            place=shorten(canonical_title(one.place), rules.exchange_place_limit),
            text=canonical_text(one.text),
            availability=shown,
        )

    held = crossing(entry)
    kept = known_days(entry, frozenset(entry.exceptions) - held)
    entry = replace(
        entry,
        exceptions={day: entry.exceptions[day] for day in kept},
        cancelled=frozenset(known_days(entry, entry.cancelled)),
        people=(),
    )
    return _each(_whole(entry, fit), fit)


def wanted_activity(event: SeenEvent, rules: Rules, type_id: str, owner_id: str | None = None) -> Entry:
    """The activity an event becomes under a type (rules 1.6, 2); its people become participants (rule 4.2), all but
    the owner: by default who is to own what is made of it."""
    entry = event.entry
    owner_id = owner_id or owner_of(event, rules.people, rules.user_id)
    private = entry.sensitivity.is_private
    hidden = private_type(rules)
    private_by_type = hidden is not None and type_id == hidden.id

    def is_withheld(secret: bool) -> bool:
        return secret and not (rules.psa_masks or rules.show_private or private_by_type)

    def fit(one: Occurrence) -> Occurrence:
        secret = private or one.sensitivity.is_private
        one = replace(
            one,
            title=shorten(canonical_title(one.title), rules.psa_title_limit) or rules.no_subject,
            place=shorten(canonical_title(one.place), rules.psa_place_limit),
            text=canonical_text(one.text),
            sensitivity=_private(secret),
        )
        if is_withheld(secret):
            return replace(one, title=rules.private_title, place="", text="")
        return one

    people = () if is_withheld(private) else participants_of(event, owner_id, rules.people)
    return _each(_whole(replace(entry, people=people), fit), fit)


def _availability(activity: SeenActivity) -> Availability:
    if activity.category is Category.ABSENCE:
        return Availability.OUT_OF_OFFICE
    # An activity without end or duration is free (rule 1.5); the PSA knows no other kind.
    return Availability.FREE if activity.entry.availability is Availability.FREE else Availability.BUSY


def _to_exchange_title(title: str, rules: Rules) -> str:
    title = canonical_title(title)
    return "" if title == rules.no_subject else shorten(title, rules.exchange_title_limit)


def _private(private: bool) -> Sensitivity:
    return Sensitivity.PRIVATE if private else Sensitivity.NORMAL


def shorten(text: str, limit: int | None) -> str:
    """At most `limit` UTF-16 units, as Exchange counts, never half a character."""
    if limit is None or len(text) * 2 <= limit:
        return text
    return text.encode("utf-16-le", "ignore")[: limit * 2].decode("utf-16-le", "ignore").rstrip()


def _whole(entry: Entry, fit: Callable[[Occurrence], Occurrence]) -> Entry:
    """The entry itself put through what its occurrences go through."""
    one = fit(
        Occurrence(entry.title, entry.when, entry.place, entry.text, entry.sensitivity, entry.availability),
    )
    return replace(
        entry,
        title=one.title,
        place=one.place,
        text=one.text,
        sensitivity=one.sensitivity,
        availability=one.availability,
    )


def _each(entry: Entry, fit: Callable[[Occurrence], Occurrence]) -> Entry:
    if not entry.exceptions:
        return entry
    return replace(entry, exceptions={day: fit(one) for day, one in entry.exceptions.items()})
