"""What went wrong, in words: for every code its cause and what to do. One table, for pages, API and command line.

Texts name no title, text or person; they go through gettext in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.mailboxes.consent_words import WORDS as WORDS_OF_CONSENT
from samklang.mailboxes.mailbox_words import WORDS
from samklang.mailboxes.messages_of_acts import WORDS as WORDS_OF_ACTS
from samklang.mailboxes.microsoft_words import WORDS as WORDS_OF_MICROSOFT
from samklang.mailboxes.script_words import WORDS as WORDS_OF_SCRIPTS
from samklang.mailboxes.server_words import WORDS as WORDS_OF_SERVERS
from samklang.mailboxes.severa_words import STEPS as STEPS_OF_SEVERA
from samklang.mailboxes.severa_words import WORDS as WORDS_OF_SEVERA
from samklang.mailboxes.way_words import WORDS as WORDS_OF_THE_WAY


class Explained(NamedTuple):
    #: What is wrong.
    sentence: str
    #: What to do, and by whom.
    remedy: str


_WAIT = gettext_noop("Nothing needs to be done: Samklang tries again by itself.")
_ADMIN = gettext_noop("Ask an administrator of your organization.")

_NOT_EXCHANGE = (
    gettext_noop("The answer is not what Exchange says, perhaps a sign-in or error page."),
    gettext_noop("Check that the address is the EWS address and that no proxy stands in between."),
)
_PATTERN = (
    gettext_noop("This repeat rule cannot be kept as a pattern on the other side."),
    gettext_noop("Give it a simpler rule and it is synced by itself."),
)
_BACKWARDS = (gettext_noop("The entry ends before it starts."), gettext_noop("Correct its times."))
_NO_TYPE = (
    gettext_noop("There is no active activity type of the group Calendar entry."),
    gettext_noop("An administrator adds or activates one."),
)
_REFUSED_HERE = (
    gettext_noop("Samklang's calendar cannot keep this entry as it is."),
    gettext_noop("Correct its name, times, place or people in Outlook; Samklang tries again."),
)

#: code -> (sentence, remedy).
_TABLE: dict[str, tuple[str, str]] = {
    **WORDS,
    **WORDS_OF_ACTS,
    **WORDS_OF_CONSENT,
    **WORDS_OF_MICROSOFT,
    **WORDS_OF_SEVERA,
    **WORDS_OF_SCRIPTS,
    **WORDS_OF_SERVERS,
    **WORDS_OF_THE_WAY,
    # Reaching the server
    "unknown_host": (
        gettext_noop("The server's address leads nowhere."),
        gettext_noop("Check the address for misspellings, and that this machine can look up the name."),
    ),
    "https_required": (
        gettext_noop("The address does not begin with https://."),
        gettext_noop("Give the https address: the delegate password goes over it."),
    ),
    "connection_refused": (
        gettext_noop("Nothing answers at the server's address."),
        gettext_noop("Check the address and port, and that a firewall lets this machine through."),
    ),
    "connection_lost": (gettext_noop("The server broke off the connection."), _WAIT),
    "timeout": (
        gettext_noop("The server did not answer in time."),
        gettext_noop("Check that the server is up and a firewall lets this machine through. Samklang tries again."),
    ),
    "bad_certificate": (
        gettext_noop("The server's certificate is not trusted."),
        gettext_noop("Renew it on the server, or give your own certificate authority's certificate in the settings."),
    ),
    "bad_ca_file": (
        gettext_noop("The certificate authority's file cannot be used."),
        gettext_noop("Give a certificate in PEM form."),
    ),
    "address_not_allowed": (
        gettext_noop("The address lies in a private network, which this installation does not allow."),
        gettext_noop("The operator can allow it with SAMKLANG_ALLOW_PRIVATE_ADDRESSES=1."),
    ),
    "redirected": (
        gettext_noop("The server sends us to another address; passwords never follow."),
        gettext_noop("Give the address it finally leads to."),
    ),
    "malformed_answer": _NOT_EXCHANGE,
    "no_token": _NOT_EXCHANGE,
    "answer_too_large": (
        gettext_noop("The server's answer is larger than Samklang accepts."),
        gettext_noop("Samklang tries again. If it stays so, shorten entries with very long texts."),
    ),
    "foreign_link": (gettext_noop("An answer led to a foreign address and was refused."), _WAIT),
    "unavailable": (gettext_noop("The server cannot be reached or fails."), _WAIT),
    "server_unavailable": (gettext_noop("The server is not ready."), _WAIT),
    "server_error": (gettext_noop("The server failed."), _WAIT),
    "login_unavailable": (gettext_noop("Microsoft's sign-in service cannot be reached."), _WAIT),
    "throttled": (gettext_noop("The server asks us to wait."), _WAIT),
    "push_refused": (
        gettext_noop("The server does not tell of changes in this mailbox."),
        gettext_noop("Nothing needs to be done: the mailbox is looked at regularly instead."),
    ),
    "no_streaming": (
        gettext_noop("The server is too old to tell of changes."),
        gettext_noop("Nothing needs to be done: its mailboxes are looked at regularly instead."),
    ),
    "version_not_supported": (
        gettext_noop("Samklang does not speak the chosen Exchange version yet."),
        gettext_noop("Choose the version that is installed on the server, if it is another."),
    ),
    "version_refused": (
        gettext_noop("The server does not speak the chosen Exchange version."),
        gettext_noop("Choose the version that is installed on the server."),
    ),
    "request_refused": (
        gettext_noop("The server did not understand a request."),
        gettext_noop("Check the chosen Exchange version; tell us if it is right."),
    ),
    # The organization's access
    "access_refused": (
        gettext_noop("The access to Exchange was refused."),
        gettext_noop("An administrator checks the settings and tests the connection."),
    ),
    "sign_in_refused": (
        gettext_noop("The delegate account's user name or password is wrong, or the account is locked."),
        gettext_noop("Check domain, user name and password. Samklang tries once an hour, lest the account be locked."),
    ),
    "sign_in_failed": (
        gettext_noop("The sign-in was broken off by the server."),
        gettext_noop("Check that the server offers NTLM, or choose Basic."),
    ),
    "auth_method_not_offered": (
        gettext_noop("The server does not offer the chosen sign-in method."),
        gettext_noop("Choose the other method, or have it enabled for EWS in IIS."),
    ),
    "impersonation_denied": (
        gettext_noop("The delegate account may not act for this mailbox."),
        gettext_noop(
            "If its right is limited to a group or unit, an Exchange administrator adds the user there; otherwise he "
            "gives it the right. The settings page writes the script, and so does samklang exchange-script."
        ),
    ),
    "impersonation_missing": (
        gettext_noop("The delegate account has no mailbox and no right to act for others."),
        gettext_noop(
            "An Exchange administrator gives it the right to act for users. The settings page writes the script, and "
            "so does samklang exchange-script."
        ),
    ),
    "secret_expired": (
        gettext_noop("The application's secret has expired."),
        gettext_noop("The operator makes a new one and sets SAMKLANG_APP_SECRET."),
    ),
    "wrong_secret": (
        gettext_noop("The application's secret is wrong."),
        gettext_noop("The operator checks SAMKLANG_APP_SECRET: it must be the secret's value, not its id."),
    ),
    "certificate_refused": (
        gettext_noop("The application's certificate has expired or is unknown."),
        gettext_noop("The operator uploads a valid certificate to the application's registration."),
    ),
    "certificate_unusable": (
        gettext_noop("The application's certificate file cannot be used."),
        gettext_noop("The operator checks SAMKLANG_APP_CERTIFICATE: a PEM file with key and certificate."),
    ),
    "app_not_found": (
        gettext_noop("Your organization has not granted Samklang access, or the grant was removed."),
        gettext_noop("A Microsoft administrator grants permissions again."),
    ),
    "tenant_not_found": (
        gettext_noop("Microsoft does not know this tenant."),
        gettext_noop("Grant permissions again, signed in to the right organization."),
    ),
    "not_consented": (
        gettext_noop("The permissions are not granted, or were withdrawn."),
        gettext_noop("A Microsoft administrator grants permissions again."),
    ),
    "permission_missing": (
        gettext_noop("A permission is missing."),
        gettext_noop("A Microsoft administrator grants permissions again and accepts all that is asked for."),
    ),
    "token_refused": (
        gettext_noop("Microsoft refused our token."),
        gettext_noop("A Microsoft administrator checks that the application is enabled."),
    ),
    "conditional_access": (
        gettext_noop("A Conditional Access policy of your organization blocks the application."),
        gettext_noop("A Microsoft administrator allows it."),
    ),
    "app_disabled": (
        gettext_noop("The application is disabled in your organization."),
        gettext_noop("A Microsoft administrator enables it under Enterprise applications."),
    ),
    "credential_missing": (
        gettext_noop("This installation has no secret or certificate for its application."),
        gettext_noop("The operator sets SAMKLANG_APP_SECRET or SAMKLANG_APP_CERTIFICATE."),
    ),
    "not_exchange": (
        gettext_noop("There is a server at the address, but no Exchange web service."),
        gettext_noop("Give the EWS address, usually https://host/EWS/Exchange.asmx."),
    ),
    # One mailbox
    "mailbox_not_found": (
        gettext_noop("No mailbox has this e-mail address."),
        gettext_noop("The address must be the same in both systems: correct it in one of them."),
    ),
    "mailbox_ambiguous": (
        gettext_noop("Several mailboxes have this e-mail address."),
        gettext_noop("An Exchange administrator removes it from all but one."),
    ),
    "mailbox_disabled": (gettext_noop("The mailbox is disabled."), _ADMIN),
    "mailbox_access_denied": (
        gettext_noop("Samklang may not open this mailbox."),
        gettext_noop("An administrator includes it in the scope granted to Samklang; that takes up to two hours."),
    ),
    "access_denied": (
        gettext_noop("Samklang may not open this mailbox."),
        gettext_noop(
            "An Exchange administrator checks that Exchange Web Services are allowed for the user (Get-CASMailbox, "
            "EwsEnabled) and for Samklang (Get-OrganizationConfig, EwsApplicationAccessPolicy)."
        ),
    ),
    "mailbox_unavailable": (gettext_noop("The mailbox is not available right now."), _WAIT),
    "mailbox_error": (gettext_noop("The mailbox cannot be synced right now."), _WAIT),
    "mailbox_full": (gettext_noop("The mailbox is full."), gettext_noop("Make room in it.")),
    "calendar_not_found": (gettext_noop("The mailbox has no calendar we can open."), _ADMIN),
    "mailbox_not_enabled": (
        gettext_noop("The user has no Exchange Online mailbox."),
        gettext_noop("A Microsoft administrator assigns a licence."),
    ),
    # Switching
    "organization_off": (gettext_noop("Your organization has not switched on Microsoft Exchange."), _ADMIN),
    "switched_off": (gettext_noop("Calendar synchronization is switched off."), gettext_noop("Switch it on first.")),
    "stopped": (
        gettext_noop("The user has stopped the run."),
        gettext_noop("He goes on with Continue in My profile."),
    ),
    "first_run_is_the_users": (
        gettext_noop("The first run is for the user himself to start."),
        gettext_noop("He starts it in My profile."),
    ),
    "plan_outdated": (
        gettext_noop("Something changed since this was shown."),
        gettext_noop("Look at the new preview and start again."),
    ),
    "nothing_waits": (gettext_noop("Nothing waits to be started."), gettext_noop("It may have begun already.")),
    "test_first": (gettext_noop("The settings have not passed a test."), gettext_noop("Test the connection first.")),
    "internal": (
        gettext_noop("Samklang failed unexpectedly."),
        gettext_noop("Samklang tries again; the operator finds the reason in the log."),
    ),
    # Entries set aside
    "strange_id": (gettext_noop("The mailbox was moved, and the server knows this entry by another id now."), _WAIT),
    "recurrence_inexpressible": _PATTERN,
    "days_29_to_31": _PATTERN,
    "unknown_pattern": _PATTERN,
    "rule_and_extra_dates": _PATTERN,
    "invalid_rule": _PATTERN,
    "series_kept_as_text": _PATTERN,
    "zone_not_kept": (
        gettext_noop("The server does not keep the time zone of this series, so it would move when the clocks change."),
        gettext_noop(
            "Give the series another time zone, or end it before the clocks change. It is tried again by itself."
        ),
    ),
    "occurrence_cannot_repeat": (
        gettext_noop("This entry is one occurrence of a series and cannot be a series itself."),
        gettext_noop("Make a new entry for what shall repeat, and let this one be single again."),
    ),
    "response_not_possible": (
        gettext_noop("This is no answer a calendar can hold."),
        gettext_noop("Accept, accept tentatively or decline."),
    ),
    "occurrence_without_people": (
        gettext_noop("This entry is one occurrence of a series, which has no participants of its own."),
        gettext_noop("Change who takes part in the whole series instead."),
    ),
    "inexpressible": (
        gettext_noop("The other calendar cannot hold this entry as it is."),
        gettext_noop("Change it there, or leave it on this side alone."),
    ),
    "occurrence_crosses_neighbour": (
        gettext_noop("A changed occurrence reaches the day of its neighbour, which Exchange does not allow."),
        gettext_noop("Move it to a time between its neighbours."),
    ),
    "occurrence_overlaps_neighbour": (
        gettext_noop("A changed occurrence overlaps its neighbour, which Exchange does not allow."),
        gettext_noop("Move or shorten it."),
    ),
    "recurrence_without_occurrence": (
        gettext_noop("The series has no occurrence."),
        gettext_noop("Change its repeat rule, or delete it."),
    ),
    "recurrence_ends_too_late": (
        gettext_noop("The series ends later than Exchange allows."),
        gettext_noop("Give it an earlier end, or none."),
    ),
    "duration_too_long": (
        gettext_noop("The entry lasts longer than Exchange allows (five years)."),
        gettext_noop("Shorten it."),
    ),
    "ends_before_start": _BACKWARDS,
    "end_before_start": _BACKWARDS,
    "too_long": (gettext_noop("The entry is too long for the server."), gettext_noop("Shorten its text.")),
    "meeting_would_mail": (
        gettext_noop("Writing this to a meeting would mail its attendees, which a sync must not do."),
        gettext_noop("Make the change in Outlook."),
    ),
    "not_organizer": (
        gettext_noop("Only the organizer can change title, time, place and recurrence of this meeting."),
        gettext_noop("Ask the organizer, or undo the change here."),
    ),
    "occurrence_not_restorable": (
        gettext_noop("The server does not give a cancelled occurrence back."),
        gettext_noop("Add it in Outlook as an entry of its own."),
    ),
    "keeps_changing": (gettext_noop("The entry changed each time Samklang looked at it."), _WAIT),
    "no_activity_type": _NO_TYPE,
    "no_type": _NO_TYPE,
    "type_unknown": (
        gettext_noop("The activity type is not there any longer."),
        gettext_noop("An administrator looks at the activity types."),
    ),
    "not_allowed": (
        gettext_noop("You may not change this activity."),
        gettext_noop("Ask its owner, or undo the change in Outlook."),
    ),
    "start_missing": _REFUSED_HERE,
    "name_missing": _REFUSED_HERE,
    "place_too_long": _REFUSED_HERE,
    "zone_unknown": _REFUSED_HERE,
    "occurrence_unknown": _REFUSED_HERE,
    "owner_unknown": _REFUSED_HERE,
    "participant_empty": _REFUSED_HERE,
    "participant_unknown": _REFUSED_HERE,
    "refused_by_server": (
        gettext_noop("The server refused this entry."),
        gettext_noop("Change it, or wait: Samklang tries again."),
    ),
    "unreadable": (
        gettext_noop("This entry cannot be read."),
        gettext_noop("Open and save it in Outlook; Samklang tries again."),
    ),
}


def codes() -> frozenset[str]:
    """Every code that has words of its own."""
    return frozenset(_TABLE)


def explain(code: str, detail: str = "") -> Explained:
    """Words for a code, in the active language; an unknown code is named as it is."""
    sentence, remedy = _TABLE.get(code, ("", ""))
    if not sentence:
        return Explained(_("Something went wrong (%(code)s).") % {"code": code}, _(_WAIT))
    return Explained(_(sentence), _(remedy))


def set_aside(row: Mapping[str, Any]) -> dict[str, str]:
    """Words for a set-aside entry: why, and what next."""
    explained = explain(row["code"])
    return {"sentence": explained.sentence, "remedy": explained.remedy}


#: Steps of the connection test, in the order they are tried.
STEPS = {
    **STEPS_OF_SEVERA,
    "wait": gettext_lazy("Whether the server may be asked"),
    "proxy": gettext_lazy("Proxy"),
    "address": gettext_lazy("Address"),
    "certificate": gettext_lazy("Encryption and certificate"),
    "sign-in": gettext_lazy("Sign-in"),
    "version": gettext_lazy("Exchange version"),
    "impersonation": gettext_lazy("Acting for the user (impersonation)"),
    "token": gettext_lazy("Sign-in with Microsoft"),
    "permissions": gettext_lazy("Granted permissions"),
    "organization": gettext_lazy("Organization"),
    "user": gettext_lazy("The user's mailbox"),
    "calendar read": gettext_lazy("Reading the calendar"),
    "read": gettext_lazy("Reading the calendar"),
    "calendar write": gettext_lazy("Writing to the calendar and removing it again"),
    "write": gettext_lazy("Writing to the calendar and removing it again"),
}


def other_server(server: str, chosen: str) -> str:
    """What the connection test says of a server that is another product than the one chosen."""
    said = _("The server is %(server)s, you chose %(chosen)s. Samklang speaks to it as what it is.")
    return said % {"server": server, "chosen": chosen}


_KINDS = {
    "Join": gettext_noop("Matched"),
    "CreateEvent": gettext_noop("To be created in Exchange"),
    "CreateActivity": gettext_noop("To be created in %(psa)s"),
    "Revive": gettext_noop("To be brought back in %(psa)s"),
    "Update": gettext_noop("To be changed"),
    "Detach": gettext_noop("Exceptions to become entries of their own"),
    "Delete": gettext_noop("To be removed"),
    "TakeOver": gettext_noop("Copies to be replaced by the invitation"),
    "LeaveOut": gettext_noop("Left out"),
    "PutAside": gettext_noop("Set aside"),
    "Stay": gettext_noop("Stays as it is"),
    "Unlink": gettext_noop("To be separated, both stay"),
    "NearMatch": gettext_noop("Nearly matching, not linked"),
}


def kind(name: str, psa: str) -> str:
    """Heading of a group of preview rows. `psa`: `Organization.psa_name`."""
    return _(_KINDS[name]) % {"psa": psa} if name in _KINDS else name
