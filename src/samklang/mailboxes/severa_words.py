"""Words for what Severa refuses; part of the one table in `messages`."""

from __future__ import annotations

from django.utils.translation import gettext_noop

WORDS: dict[str, tuple[str, str]] = {
    "severa_credentials_refused": (
        gettext_noop("Severa refused the client id or the client secret."),
        gettext_noop("An administrator makes new client credentials in Severa (Settings > Integrations > REST API)."),
    ),
    "severa_token_refused": (
        gettext_noop("Severa refused the token it gave us just before."),
        gettext_noop("An administrator checks in Severa that the client credentials are still there."),
    ),
    "severa_scope_missing": (
        gettext_noop("The client credentials lack a scope the synchronization needs."),
        gettext_noop("An administrator makes client credentials with all the scopes that the help names."),
    ),
    "severa_addon_missing": (
        gettext_noop("Your organization's Severa does not have its REST API switched on."),
        gettext_noop("A main user of Severa adds it among the features and integrations of the subscription."),
    ),
    "severa_not_active": (
        gettext_noop("Your organization cannot use its Severa at present."),
        gettext_noop("A main user of Severa signs in there and sees what it asks for."),
    ),
    "severa_week_start": (
        gettext_noop("Severa cannot repeat every other week by weeks that do not begin on a Monday."),
        gettext_noop("Let the series repeat weekly, or by weeks that begin on Monday, and it is synced by itself."),
    ),
    "severa_series_zone": (
        gettext_noop("Severa would repeat this series by the clock of its owner's time zone, at other times."),
        gettext_noop("Make the series in the time zone its owner has in Severa, and it is synced by itself."),
    ),
    "group_kept": (
        gettext_noop("In Severa an activity cannot change its group, and this one has hours booked or is closed."),
        gettext_noop("Make a new activity in Severa if it is to be private or public from now on."),
    ),
    "field_fixed": (
        gettext_noop("Severa does not let this field of an activity be changed, and it has hours booked or is closed."),
        gettext_noop("Change it in Severa by hand, or make a new activity there."),
    ),
    "occurrence_not_kept": (
        gettext_noop("Severa did not keep what was written to one date of this series."),
        gettext_noop("Change that date in Severa by hand; Samklang tries again by itself."),
    ),
}
