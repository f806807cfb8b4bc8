"""The set-up assistant's scripts in words: what to know before running one, and why none can be written."""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue. Django's own reads the settings, and the command that prints scripts has none."""
    return text


#: What to know before running a script, by the codes of `Script.notes`.
NOTES: dict[str, str] = {
    "shell": gettext_noop("Run it in the Exchange Management Shell, as a member of Organization Management."),
    "no_administrator": gettext_noop(
        "The delegate account must be in no administrators' group: Exchange 2007 denies those groups the right."
    ),
    "authorization_group": gettext_noop(
        "The computer account of each client access server must be in the Windows Authorization Access Group."
    ),
    "again_2007": gettext_noop("Run it again after each new client access server and each new mailbox database."),
    "again_2007_users": gettext_noop(
        "Run it again after each new client access server, and for each user who is to sync later."
    ),
    "direct_members": gettext_noop(
        "Only the group's direct members count, those who join later too; members of groups within it do not."
    ),
    "full_access": gettext_noop(
        "Full access is not needed to act for users and lets the account read whole mailboxes. Leave it out unless "
        "something else needs it, and run it again for new users."
    ),
    "check_mailbox": gettext_noop("The check prints nothing for a user whom the right does not cover."),
    "shell_online": gettext_noop(
        "Run it in PowerShell with the modules ExchangeOnlineManagement and Microsoft.Graph, as an Exchange "
        "administrator who may also manage applications' permissions."
    ),
    "consent_first": gettext_noop(
        "Grant permissions first: only then does your organization know the application. User.Read.All stays granted."
    ),
    "tenant_wide": gettext_noop(
        "Consent for the whole organization defeats the limit, so the script takes away that to Calendars.ReadWrite. "
        "Granting permissions again brings it back; the check then lists it."
    ),
    "two_hours": gettext_noop("Until Microsoft has spread a change, up to two hours pass; the check knows at once."),
    "check_in_scope": gettext_noop("The check says under InScope whether the user's mailbox is within the limit."),
}

#: Why no script can be written: code -> (sentence, remedy).
WORDS: dict[str, tuple[str, str]] = {
    "value_missing": (
        gettext_noop("A value the script needs is missing."),
        gettext_noop("Fill it in."),
    ),
    "value_too_long": (
        gettext_noop("The value is longer than Exchange allows."),
        gettext_noop("Give a shorter one; names have 64 characters at most."),
    ),
    "value_unseen": (
        gettext_noop("The value holds a line break or another character that cannot be seen."),
        gettext_noop("Type it instead of pasting it."),
    ),
    "filter_quotes": (
        gettext_noop("The filter's quotation marks do not come in pairs."),
        gettext_noop("Write texts as 'Sales', and a ' within one twice."),
    ),
    "scope_not_here": (
        gettext_noop("This Exchange version cannot limit mailboxes in that way."),
        gettext_noop("Choose another limit. Everybody in Microsoft 365 needs no script: grant permissions."),
    ),
    "full_access_not_here": (
        gettext_noop("Full access is written for Exchange 2010 to SE only."),
        gettext_noop("Leave it out."),
    ),
}
