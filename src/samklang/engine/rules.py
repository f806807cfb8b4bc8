"""Policies as values: what the organization and the user chose, handed to the engine by `wiring`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from samklang.engine.model import Category


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
    #: Replacement title for an event without subject, in the user's language (rule 2).
    no_subject: str = "(no subject)"
    #: Stand-in title where the PSA cannot mask a private entry (rule 1.6).
    private_title: str = "Private"
    #: The PSA masks private entries from colleagues (the built-in calendar does).
    psa_masks: bool = True
    #: "Show everything" setting of rule 1.6.
    show_private: bool = False
    #: Severa's limits, or the built-in calendar's: longest title and place; None = no limit.
    psa_title_limit: int | None = None
    psa_place_limit: int | None = 1000
    exchange_title_limit: int | None = 255
    exchange_place_limit: int | None = 255
    #: Brake of rule 8.3.
    brake_count: int = 10
    brake_share: float = 0.20
    brake_absolute: int = 100
