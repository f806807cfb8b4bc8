"""Words for whose mailbox it is (rule 1.3), waiting for Microsoft (10.3) and a user's choices (4.9, 8.5): part of the
table of `mailboxes.messages`."""

from __future__ import annotations

from django.utils.translation import gettext_noop

WORDS = {
    "mailbox_of_colleague": (
        gettext_noop("A colleague already syncs this mailbox."),
        gettext_noop("Each user needs an address of his own: an administrator corrects one of them."),
    ),
    "mailbox_of_another_organization": (
        gettext_noop("This mailbox is synced by somebody in another organization."),
        gettext_noop("An administrator of your organization can take it over on the page Exchange settings."),
    ),
    "mailbox_taken_over": (
        gettext_noop("Another organization that can open this mailbox took it over."),
        gettext_noop("Nothing was deleted. Ask an administrator if this is wrong."),
    ),
    "nothing_to_take_over": (
        gettext_noop("No other organization holds this user's mailbox."),
        gettext_noop("Let the user sync again and see."),
    ),
    "waiting_for_microsoft": (
        gettext_noop("Waiting for Microsoft: what was granted does not hold everywhere yet."),
        gettext_noop("This takes up to two hours after granting; Samklang goes on by itself."),
    ),
    "missing_after_resync": (
        gettext_noop(
            "The entry was missing on the other side when the calendars were read anew, which proves no deletion."
        ),
        gettext_noop("Choose whether it is removed here, too, or put back there."),
    ),
    "nothing_to_choose": (
        gettext_noop("Nothing waits for this choice any longer."),
        gettext_noop("Load the page again."),
    ),
    "unknown_choice": (gettext_noop("Choose to remove or to put back."), gettext_noop("Load the page again.")),
    "nothing_kept_apart": (
        gettext_noop("This entry is not kept apart any longer."),
        gettext_noop("Load the page again."),
    ),
}
