"""The two-way table (rule 7.2): what happens to a link, by what happened to its two sides."""

from __future__ import annotations

from enum import StrEnum

from samklang.engine.changes import Change


class Verdict(StrEnum):
    NOTHING = "nothing"
    #: Bring what changed in Exchange to the activity.
    TO_PSA = "to_psa"
    #: Bring what changed in the PSA to the event.
    TO_EXCHANGE = "to_exchange"
    #: Both were edited: field by field (rule 7.3).
    MERGE = "merge"
    #: The event is gone, the activity was left alone: remove it too, if rule 8.2 lets us.
    REMOVE_ACTIVITY = "remove_activity"
    REMOVE_EVENT = "remove_event"
    #: An edit beats a delete: what was removed on one side is made again from the other.
    MAKE_ACTIVITY_AGAIN = "make_activity_again"
    MAKE_EVENT_AGAIN = "make_event_again"
    FORGET = "forget"


_SAME, _EDITED, _GONE = Change.SAME, Change.EDITED, Change.GONE

#: (activity, event) -> what to do, as a user would tell it.
TABLE: dict[tuple[Change, Change], Verdict] = {
    (_SAME, _SAME): Verdict.NOTHING,
    (_SAME, _EDITED): Verdict.TO_PSA,  # changed in Outlook: the activity follows
    (_SAME, _GONE): Verdict.REMOVE_ACTIVITY,  # deleted in Outlook: the activity goes
    (_EDITED, _SAME): Verdict.TO_EXCHANGE,  # changed in the PSA: the event follows
    (_EDITED, _EDITED): Verdict.MERGE,  # changed on both sides: both edits are kept
    (_EDITED, _GONE): Verdict.MAKE_EVENT_AGAIN,  # deleted in Outlook but still worked on in the PSA: it comes back
    (_GONE, _SAME): Verdict.REMOVE_EVENT,  # deleted in the PSA: the event goes
    (_GONE, _EDITED): Verdict.MAKE_ACTIVITY_AGAIN,  # deleted in the PSA but still worked on in Outlook: it comes back
    (_GONE, _GONE): Verdict.FORGET,  # deleted on both sides: nothing is left to keep equal
}


def decide(psa: Change, exchange: Change) -> Verdict:
    """What rule 7.2 says; nothing while either side is unsure (rule 8.1)."""
    return TABLE.get((psa, exchange), Verdict.NOTHING)
