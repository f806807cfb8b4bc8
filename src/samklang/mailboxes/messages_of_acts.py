"""Words for what a person does with his history and when he leaves; part of the one table in `messages`."""

from __future__ import annotations

from django.utils.translation import gettext_noop

_OTHERWISE = gettext_noop("Change or delete it yourself, if you want it otherwise.")

WORDS: dict[str, tuple[str, str]] = {
    "nothing_to_restore": (
        gettext_noop("This write went over nothing that could be put back."),
        gettext_noop("Undo the whole run to take back what it made."),
    ),
    "no_such_write": (
        gettext_noop("The history holds no such entry (any longer)."),
        gettext_noop("It goes back 30 days, unless the operator chose otherwise."),
    ),
    "restored_already": (gettext_noop("It was put back already."), gettext_noop("Nothing needs to be done.")),
    "entry_gone": (
        gettext_noop("The entry is not there any longer."),
        gettext_noop("Restore the deleted entry first."),
    ),
    "is_there": (gettext_noop("The entry is there again already."), gettext_noop("Nothing needs to be done.")),
    "not_taking_part": (
        gettext_noop("You do not take part in this activity any longer."),
        gettext_noop("Ask its owner to add you."),
    ),
    "owner_only": (gettext_noop("Only the owner can restore or remove it."), gettext_noop("Ask its owner.")),
    "organizer_only": (
        gettext_noop("Only the organizer of this meeting can change it."),
        gettext_noop("Ask the organizer."),
    ),
    "nothing_to_undo": (
        gettext_noop("Nothing of this run is left to be undone."),
        gettext_noop("Nothing needs to be done."),
    ),
    "errand_waits": (
        gettext_noop("Something you asked for earlier is still being done."),
        gettext_noop("Ask again when it is finished."),
    ),
    "edited_since": (gettext_noop("Somebody has edited it since."), _OTHERWISE),
    "has_attendees": (gettext_noop("Other people take part in it."), _OTHERWISE),
    "has_hours": (gettext_noop("Hours are booked on it."), _OTHERWISE),
    "is_closed": (gettext_noop("The activity is closed."), _OTHERWISE),
    "is_over": (gettext_noop("It is over, or a part of it is."), _OTHERWISE),
    "last_administrator": (
        gettext_noop("The organization would have no administrator left."),
        gettext_noop("Make somebody else an administrator first."),
    ),
}
