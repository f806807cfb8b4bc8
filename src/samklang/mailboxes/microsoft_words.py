"""Words for a sign-in with Microsoft that came to nothing; part of the one table in `messages`."""

from __future__ import annotations

from django.utils.translation import gettext_noop

_AGAIN = gettext_noop("Begin again.")
_PASSWORD = gettext_noop("Sign in with your password, or ask an administrator of your organization.")

WORDS: dict[str, tuple[str, str]] = {
    "microsoft_off": (
        gettext_noop("Nobody signs in with Microsoft here."),
        _PASSWORD,
    ),
    "microsoft_no_app": (
        gettext_noop("This installation is not registered as an application with Microsoft."),
        gettext_noop("The operator registers it, and names it in SAMKLANG_APP_ID and SAMKLANG_APP_SECRET."),
    ),
    "microsoft_no_tenant": (
        gettext_noop("Microsoft knows no organization with the domain of your e-mail address."),
        gettext_noop("An administrator whose address is in your organization's domain at Microsoft switches this on."),
    ),
    "microsoft_begin_again": (
        gettext_noop("This sign-in was begun elsewhere, took too long, or was answered already."),
        _AGAIN,
    ),
    "microsoft_answer": (
        gettext_noop("Microsoft's answer does not belong to this sign-in."),
        _AGAIN,
    ),
    "microsoft_declined": (
        gettext_noop("Microsoft was not allowed to tell Samklang who you are."),
        gettext_noop("Begin again and accept, or sign in with your password."),
    ),
    "microsoft_approval": (
        gettext_noop("Your organization lets only a Microsoft administrator allow this sign-in."),
        gettext_noop("He grants it at Microsoft, for everybody at once; the help for administrators says how."),
    ),
    "microsoft_not_assigned": (
        gettext_noop("Microsoft lets only people who were chosen for it sign in to Samklang, and you are not one."),
        gettext_noop("A Microsoft administrator assigns you to the application, or requires no assignment."),
    ),
    "microsoft_blocked": (
        gettext_noop("Your organization's rules at Microsoft do not let you sign in from here or with this account."),
        gettext_noop("Ask a Microsoft administrator of your organization."),
    ),
    "microsoft_app_refused": (
        gettext_noop("Microsoft does not accept Samklang's own registration or secret."),
        gettext_noop("The operator checks the application that is registered with Microsoft."),
    ),
    "microsoft_refused": (
        gettext_noop("Microsoft refused the sign-in."),
        _PASSWORD,
    ),
    "microsoft_personal": (
        gettext_noop("This is a personal Microsoft account."),
        gettext_noop("Choose your work account."),
    ),
    "microsoft_unknown": (
        gettext_noop("Nobody here has this Microsoft account."),
        gettext_noop(
            "Its sign-in name or mailbox must have the address you have here. Otherwise sign in with your password and "
            "connect the account in My profile, or ask an administrator for an invitation."
        ),
    ),
    "microsoft_other_account": (
        gettext_noop("Whoever has this address here signs in with another Microsoft account."),
        gettext_noop("Sign in with your password, and connect this account in My profile."),
    ),
    "microsoft_other_tenant": (
        gettext_noop("This account is not of your organization's tenant at Microsoft."),
        gettext_noop("Choose your work account."),
    ),
    "microsoft_taken": (
        gettext_noop("Somebody else here signs in with this Microsoft account."),
        gettext_noop("Choose your own, or let the other one disconnect it in My profile."),
    ),
}
