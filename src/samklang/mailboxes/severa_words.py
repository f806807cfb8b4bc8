"""Words for what Severa refuses; part of the one table in `messages`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, gettext_noop

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
    "severa_private_date": (
        gettext_noop("In Severa one date of a series cannot be private while the others are not."),
        gettext_noop("Give that date the same privacy as its series, and it is synced by itself."),
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
    "severa_address": (
        gettext_noop("This is no address of Severa's REST API: it begins with https:// and holds no user name."),
        gettext_noop("Severa's own is https://api.severa.visma.com/rest-api; give another only if Severa named it."),
    ),
    "severa_secret_again": (
        gettext_noop("The address leads to another server, to which the saved client secret was not given."),
        gettext_noop("Give the client secret again together with the address."),
    ),
    # Switching over
    "severa_test_first": (
        gettext_noop("The settings for Severa have not passed a test as they are saved."),
        gettext_noop("Test them first."),
    ),
    "severa_confirm_first": (
        gettext_noop("It is not confirmed that Severa's own calendar sync and its mails of new activities are off."),
        gettext_noop("Switch both off in Severa, then confirm it: two syncs at once would double every entry."),
    ),
    "severa_while_syncing": (
        gettext_noop("Somebody syncs the calendar in use now."),
        gettext_noop("Everybody switches calendar synchronization off in My profile first, and on again afterwards."),
    ),
    "severa_is_polled": (
        gettext_noop("While activities are in Severa, calendars are synced continuously."),
        gettext_noop("Nobody but Severa sees who uses it: choose continuously."),
    ),
    # The connection
    "severa_credentials_missing": (
        gettext_noop("There are no client credentials for Severa yet."),
        gettext_noop("Save client ID and client secret first."),
    ),
    "severa_not_there": (
        gettext_noop("There is a server at the address, but it does not speak as Severa's REST API does."),
        gettext_noop("Give the address Severa names, usually https://api.severa.visma.com/rest-api/v1."),
    ),
    "severa_other_organization": (
        gettext_noop("These credentials belong to another organization's Severa."),
        gettext_noop("Make them in the Severa whose activities are synced. Nothing was changed on either side."),
    ),
    "severa_is_being_read": (
        gettext_noop("Another run is just reading your organization's Severa."),
        gettext_noop("Nothing needs to be done: Samklang tries again by itself."),
    ),
    # One user
    "nobody_to_invite": (
        gettext_noop("There is nobody in Severa to invite here any longer."),
        gettext_noop("Read users and types again."),
    ),
    "severa_user_not_found": (
        gettext_noop("Nobody in Severa has this e-mail address."),
        gettext_noop("The address must be the same in both systems: an administrator corrects it in one of them."),
    ),
    "severa_user_twice": (
        gettext_noop("Several active users in Severa have this e-mail address."),
        gettext_noop("A main user of Severa removes it from all but one."),
    ),
    "severa_user_inactive": (
        gettext_noop("The user is inactive in Severa."),
        gettext_noop("Nothing was removed. A main user of Severa activates him if this is wrong."),
    ),
    "severa_user_without_address": (
        gettext_noop("The user has no e-mail address in Severa."),
        gettext_noop("A main user of Severa adds it."),
    ),
}

#: Steps of the test, in the order they are tried.
STEPS = {
    "severa address": gettext_lazy("Address"),
    "severa token": gettext_lazy("Client id and secret"),
    "severa scopes": gettext_lazy("Scopes"),
    "severa heartbeat": gettext_lazy("Severa's word that the sign-in holds"),
    "severa organization": gettext_lazy("Organization"),
    "severa user": gettext_lazy("The user in Severa"),
    "severa types": gettext_lazy("Reading activity types"),
    "severa activities": gettext_lazy("Reading the user's activities"),
}
