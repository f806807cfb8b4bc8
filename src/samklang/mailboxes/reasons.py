"""Why: the rule an action, a mark or an entry left out follows, in a sentence of the reader's language (rule 11.3).

The sentences name no entry, title or person.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

#: By the number `Action.rule` and `Link.reason` carry.
RULES = {
    "1.5": gettext_noop("Activities of the ticked types and all events are synced; project tasks and drafts are not."),
    "3.1": gettext_noop("The same entry was found on both sides; of true duplicates the surplus is made there too."),
    "3.2": gettext_noop("It is a meeting that stands in a colleague's mailbox, too; both belong to one activity."),
    "3.3": gettext_noop("It ended more than 30 days before the first sync."),
    "3.4": gettext_noop("It was left out at first and somebody has changed it since."),
    "4.1": gettext_noop(
        "Who takes part has it in his calendar: a copy, or the invitation that takes the copy's place."
    ),
    "4.2": gettext_noop("Its owner left a meeting he was invited to; the next of those invited owns it."),
    "4.3": gettext_noop("It is a meeting: its invitation comes to this mailbox by itself, and no copy is made."),
    "4.4": gettext_noop("Somebody else organizes this meeting: only the organizer can change or cancel it."),
    "4.5": gettext_noop("A participant removed it from his own calendar; it stays for the others."),
    "4.6": gettext_noop("Nobody may be mailed of it, and the meeting cannot be changed silently."),
    "4.7": gettext_noop("The user neither owns it nor takes part in it any longer."),
    "4.8": gettext_noop("The activity was moved to a type that is not synced; both entries stay as they are."),
    "4.9": gettext_noop(
        "It was kept apart until its user asked for it to be synced again, or until both entries were gone."
    ),
    "5.2": gettext_noop("A series and its changed dates are one: they are synced together."),
    "5.4": gettext_noop("Its series no longer has this date; being over, it was kept as an entry of its own."),
    "5.5": gettext_noop("The repeat rule has no like on the other side; its dates are kept there one by one."),
    "6.1": gettext_noop("The server had not kept its time zone; it was written once more."),
    "7.2": gettext_noop("It was changed or deleted on one side, and the other side follows; an edit beats a delete."),
    "7.3": gettext_noop("It was changed on both sides; both changes were kept, field by field."),
    "7.4": gettext_noop("Both sides changed the same field; one value won, the other is kept in the history."),
    "8.2": gettext_noop("It was deleted, moved or cancelled; what is over, closed or has hours booked stays."),
    "8.4": gettext_noop("A person deleted it; it comes back when somebody restores it on either side."),
    "8.5": gettext_noop("It was missing on one side after lost state; its user chose what becomes of it."),
    "10.4": gettext_noop("An earlier run had begun to make it; this run completes that."),
    "11.2": gettext_noop("Its user undid the run that had made its other half, or put it back from the history."),
    "12.1": gettext_noop("Its user switched synchronization off and had removed what it had made."),
}

#: Fields of an entry, in the order people read them, by `engine.canonical` key.
_FIELDS = {
    "title": gettext_noop("Title"),
    "time": gettext_noop("Time"),
    "place": gettext_noop("Place"),
    "text": gettext_noop("Text"),
    "sensitivity": gettext_noop("Privacy"),
    "recurrence": gettext_noop("Repeats"),
    "response": gettext_noop("Response"),
}


def why(number: str) -> str:
    """The sentence for a rule number, in the active language; "" for one no entry carries."""
    return _(RULES[number]) if number in RULES else ""


def field(key: str) -> str:
    """What people call a field, in the active language."""
    if key.startswith("x:"):
        day, name = key[2:12], key[13:]
        if not name:
            return _("Occurrence of %(day)s") % {"day": day}
        return _("%(field)s on %(day)s") % {"field": field(name), "day": day}
    if key.startswith(("p:", "r:")):
        return _("Participant %(who)s") % {"who": key[2:]}
    return _(_FIELDS[key]) if key in _FIELDS else key


def field_order(key: str) -> tuple[int, str]:
    """Sorts fields as people read them."""
    names = list(_FIELDS)
    return (names.index(key) if key in names else len(names), key)
