"""Words for what a server says of the encryption, the delegate account's password, a mailbox or one entry; part of the
one table in `messages`."""

from __future__ import annotations

from django.utils.translation import gettext_noop

_WAIT = gettext_noop("Nothing needs to be done: Samklang tries again by itself.")

WORDS: dict[str, tuple[str, str]] = {
    "tls_too_old": (
        gettext_noop("The server offers only old versions of TLS (1.0, 1.1) that are not safe any longer."),
        gettext_noop("A server administrator enables TLS 1.2 on it. Its certificate was not looked at yet."),
    ),
    "no_tls": (
        gettext_noop("Samklang and the server agree on no encryption."),
        gettext_noop(
            "Check that the address and port are those for https. If they are, a server administrator enables TLS 1.2 "
            "with today's ciphers."
        ),
    ),
    "password_expired": (
        gettext_noop("The delegate account's password has expired or has to be changed."),
        gettext_noop(
            "Set a new password in Active Directory, best one that does not expire, and give it in the settings. "
            "Samklang tries once an hour until then."
        ),
    ),
    "mailbox_misconfigured": (
        gettext_noop("The mailbox is not set up completely in Exchange."),
        gettext_noop("An Exchange administrator looks at it: Get-Mailbox shows what is missing."),
    ),
    "mailbox_elsewhere": (
        gettext_noop("The mailbox is on a server of another site, which this address does not lead to."),
        gettext_noop(
            "An Exchange administrator lets the server pass requests on to that site (the InternalUrl of its EWS "
            "virtual directory), or moves the mailbox."
        ),
    ),
    "subscription_lost": (gettext_noop("The server stopped telling of changes in a calendar."), _WAIT),
    "version_conflict": (gettext_noop("The entry was changed since Samklang read it."), _WAIT),
    "not_found": (gettext_noop("The entry is not there, or may not be seen."), _WAIT),
    "token_rejected": (gettext_noop("The server does not know any longer what it had told Samklang."), _WAIT),
    "duplicate_transaction": (gettext_noop("The entry had been made before."), _WAIT),
    "date_out_of_range": (
        gettext_noop("The entry's date lies before or after what Exchange can hold."),
        gettext_noop("Correct its times."),
    ),
    "zone_refused": (
        gettext_noop("The server does not know the entry's time zone."),
        gettext_noop("Give the entry another time zone, or have the server's time zones updated."),
    ),
    "field_refused": (
        gettext_noop("The server does not let one of the entry's fields be set."),
        gettext_noop("Make the change in Outlook, or undo it here; Samklang tries again."),
    ),
    "address_refused": (
        gettext_noop("The server does not accept a participant's e-mail address."),
        gettext_noop("Correct the address, or remove the participant."),
    ),
    "answer_refused": (
        gettext_noop("This invitation cannot be answered: it is the user's own, was cancelled, or is a delegate's."),
        gettext_noop("Answer in Outlook, if there is anything to answer."),
    ),
}
