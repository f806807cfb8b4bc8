"""Words for a tenant of Microsoft that did not become ours; part of the one table in `messages`."""

from __future__ import annotations

from django.utils.translation import gettext_noop

_AGAIN = gettext_noop("Start again with Grant permissions.")

WORDS: dict[str, tuple[str, str]] = {
    "consent_incomplete": (
        gettext_noop("Microsoft's answer was incomplete."),
        _AGAIN,
    ),
    "consent_declined": (
        gettext_noop("The permissions were not granted."),
        gettext_noop("Open the window again and accept, signed in as a Microsoft administrator."),
    ),
    "consent_state_unknown": (
        gettext_noop("This consent was not begun here by you, took too long, or was used already."),
        _AGAIN,
    ),
    "consent_by_nobody": (
        gettext_noop("Whoever granted the permissions is no administrator here any longer."),
        gettext_noop("An administrator starts again with Grant permissions."),
    ),
    "consent_overdue": (
        gettext_noop("Microsoft has not confirmed the permissions within two hours."),
        gettext_noop("A Microsoft administrator grants permissions again and accepts all that is asked for."),
    ),
    "calendar_not_granted": (
        gettext_noop("Samklang may open neither all calendars nor this one: Calendars.ReadWrite is missing."),
        gettext_noop(
            "A Microsoft administrator grants permissions, or includes the mailbox in the scope granted to Samklang; "
            "that takes up to two hours."
        ),
    ),
    "tenant_malformed": (
        gettext_noop("This is neither a tenant's id nor a domain."),
        gettext_noop("Give a domain of your organization at Microsoft, like example.com, or the tenant's id."),
    ),
    "tenant_of_another": (
        gettext_noop("This Microsoft tenant belongs to another organization of this installation."),
        gettext_noop("Sign in to your own organization."),
    ),
    "tenant_not_yours": (
        gettext_noop("None of your users who have signed in here has an address in this Microsoft tenant."),
        gettext_noop("Sign in to the tenant whose addresses your users have."),
    ),
    "tenant_unproved": (
        gettext_noop(
            "Microsoft does not let Samklang read the domains of this tenant, so nothing shows that it is yours."
        ),
        gettext_noop("Sign in to the tenant under Only some mailboxes, as one of its people."),
    ),
    "tenant_guest": (
        gettext_noop("You are a guest in this tenant, which does not show that it is yours."),
        gettext_noop("Sign in with an account of the tenant itself."),
    ),
}
