"""Why: the rule an action follows, in a sentence (rule 11.3).

The sentences are message ids in English; pages translate them. They name no entry, title or person.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Sentence per rule number, as `Action.rule` and `Link.reason` carry it.
SENTENCES: Mapping[str, str] = {
    "1.5": "Activities of the ticked types and all events are synced; project tasks and drafts are not.",
    "3.1": "The same entry was found on both sides; of true duplicates the surplus is made there too.",
    "3.2": "It is a meeting that stands in a colleague's mailbox, too; both belong to one activity.",
    "3.3": "It ended more than 30 days before the first sync.",
    "3.4": "It was left out at first and somebody has changed it since.",
    "4.1": "An invitation took the place of the copy in this mailbox.",
    "4.2": "Its owner left a meeting he was invited to; the next of those invited owns it.",
    "4.3": "It is a meeting: its invitation comes to this mailbox by itself, and no copy is made.",
    "4.4": "Somebody else organizes this meeting: only the organizer can change or cancel it.",
    "4.5": "A participant removed it from his own calendar; it stays for the others.",
    "4.6": "Nobody may be mailed of it, and the meeting cannot be changed silently.",
    "4.7": "The user neither owns it nor takes part in it any longer.",
    "4.8": "The activity was moved to a type that is not synced; both entries stay as they are.",
    "4.9": "It was kept apart until its user asked for it to be synced again, or until both entries were gone.",
    "5.4": "Its series no longer has this date; being over, it was kept as an entry of its own.",
    "6.1": "The server had not kept its time zone; it was written once more.",
    "7.2": "It was changed or deleted on one side, and the other side follows; an edit beats a delete.",
    "7.3": "It was changed on both sides; both changes were kept, field by field.",
    "8.2": "It was deleted, moved or cancelled; what is over, closed or has hours booked stays.",
    "8.4": "A person deleted it; it comes back when somebody restores it on either side.",
    "8.5": "It was missing on one side after lost state; its user chose what becomes of it.",
    "10.4": "An earlier run had begun to make it; this run completes that.",
}


def why(rule: str) -> str:
    """The sentence for a rule number. Raises KeyError for a number no action carries."""
    return SENTENCES[rule]
