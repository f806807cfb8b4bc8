"""Every address of the installation."""

from django.urls import path

from samklang.web import invitation, microsoft, notices, signin
from samklang.web.api import api
from samklang.web.calendar import files as calendar_files
from samklang.web.calendar import trash as calendar_trash
from samklang.web.calendar import views as calendar
from samklang.web.help import errors, help_page
from samklang.web.profile import choices as profile_choices
from samklang.web.profile import history
from samklang.web.profile import settings as profile_settings
from samklang.web.profile import sync as profile_sync
from samklang.web.settings import consent, exchange
from samklang.web.settings import microsoft as settings_microsoft
from samklang.web.settings import programs as settings_programs
from samklang.web.settings import severa as settings_severa
from samklang.web.severa_api import api as severa_api
from samklang.web.severa_api import heartbeat as severa_heartbeat

_EXCHANGE = "settings/integrations/microsoft-exchange"
_MICROSOFT = "settings/integrations/microsoft-sign-in"
_VISMA = "settings/integrations/visma-severa"
_SYNC = "profile/calendar/synchronization"
_SEVERA = severa_api.urls

urlpatterns = [
    path("", calendar.home, name="home"),
    path("calendar", calendar.page, name="calendar"),
    path("calendar/events", calendar.events, name="calendar-events"),
    path("calendar/form", calendar.form, name="calendar-form"),
    path("calendar/move", calendar.move, name="calendar-move"),
    path("calendar/person", calendar.person, name="calendar-person"),
    path("calendar/respond", calendar.respond, name="calendar-respond"),
    path("calendar/delete", calendar.delete, name="calendar-delete"),
    path("calendar/leave", calendar.leave, name="calendar-leave"),
    path("calendar/trash", calendar_trash.trash, name="calendar-trash"),
    path("calendar/restore", calendar_trash.restore, name="calendar-restore"),
    path("calendar/files", calendar_files.files, name="calendar-files"),
    path("calendar/export.ics", calendar_files.export, name="calendar-export"),
    path("help/user", help_page, {"page": "user"}, name="help-user"),
    path("help/administrator", help_page, {"page": "administrator"}, name="help-administrator"),
    path("help/errors", errors, name="help-errors"),
    path("sign-in", signin.sign_in, name="sign-in"),
    path("sign-in/microsoft", microsoft.sign_in, name="microsoft"),
    path("sign-in/microsoft/back", microsoft.back, name="microsoft-back"),
    path("invitation/<uidb64>/<token>", invitation.Accept.as_view(), name="invitation"),
    path("sign-out", signin.sign_out, name="sign-out"),
    path("settings", exchange.to_settings, name="settings"),
    path(_EXCHANGE, exchange.exchange_settings, name="settings-exchange"),
    path(f"{_EXCHANGE}/users/<uuid:user_id>/accept", exchange.accept, name="settings-exchange-accept"),
    path(f"{_EXCHANGE}/look-up", exchange.look_up, name="settings-exchange-look-up"),
    path(f"{_EXCHANGE}/test", exchange.test, name="settings-exchange-test"),
    path(f"{_EXCHANGE}/script", exchange.script, name="settings-exchange-script"),
    path(f"{_EXCHANGE}/switch", exchange.switch, name="settings-exchange-switch"),
    path(f"{_EXCHANGE}/take-over", exchange.take_over, name="settings-exchange-take-over"),
    path(f"{_EXCHANGE}/sync", exchange.sync_everybody, name="settings-exchange-sync"),
    path(f"{_EXCHANGE}/grant", consent.grant, name="settings-exchange-grant"),
    path(f"{_EXCHANGE}/consent", consent.back, name="settings-exchange-consent"),
    path(f"{_EXCHANGE}/tenant", consent.name_tenant, name="settings-exchange-tenant"),
    path(_VISMA, settings_severa.severa_settings, name="settings-severa"),
    path(f"{_VISMA}/test", settings_severa.test, name="settings-severa-test"),
    path(f"{_VISMA}/switch", settings_severa.switch, name="settings-severa-switch"),
    path(f"{_VISMA}/invite", settings_severa.invite, name="settings-severa-invite"),
    path(f"{_VISMA}/people", settings_severa.read_people, name="settings-severa-people"),
    path(_MICROSOFT, settings_microsoft.page, name="settings-microsoft"),
    path("settings/integrations/rest-api", settings_programs.programs, name="settings-programs"),
    path("settings/integrations/rest-api/revoke", settings_programs.revoke, name="settings-programs-revoke"),
    path("profile", profile_settings.profile, name="profile"),
    path("profile/microsoft/connect", microsoft.connect, name="microsoft-connect"),
    path("profile/microsoft/disconnect", microsoft.disconnect, name="microsoft-disconnect"),
    path(_SYNC, profile_sync.calendar_sync, name="profile-sync"),
    path(f"{_SYNC}/state", profile_sync.state, name="profile-sync-state"),
    path(f"{_SYNC}/switch", profile_sync.switch, name="profile-sync-switch"),
    path(f"{_SYNC}/series", profile_sync.series, name="profile-sync-series"),
    path(f"{_SYNC}/accept", profile_sync.accept, name="profile-sync-accept"),
    path(f"{_SYNC}/now", profile_sync.sync_now, name="profile-sync-now"),
    path(f"{_SYNC}/stop", profile_sync.stop, name="profile-sync-stop"),
    path("notices/graph", notices.graph, name="notices-graph"),
    path(f"{_SYNC}/choose", profile_choices.choose, name="profile-sync-choose"),
    path(f"{_SYNC}/again", profile_choices.again, name="profile-sync-again"),
    path(f"{_SYNC}/retry", history.retry, name="profile-retry"),
    path(f"{_SYNC}/ignore", history.ignore, name="profile-ignore"),
    path(f"{_SYNC}/near", history.dismiss, name="profile-near"),
    path(f"{_SYNC}/history", history.page, name="profile-history"),
    path(f"{_SYNC}/history/<int:write_id>/restore", history.restore, name="profile-restore"),
    path(f"{_SYNC}/runs/<int:run_id>/undo", history.undo, name="profile-undo"),
    path(f"{_SYNC}/why", history.why, name="profile-why"),
    path(f"{_SYNC}/why/again", history.sync_again, name="profile-why-again"),
    path(f"{_SYNC}/leave", history.leave, name="profile-leave"),
    path(f"{_SYNC}/export", history.export, name="profile-export"),
    path(f"{_SYNC}/erase", history.erase, name="profile-erase"),
    path("api/", api.urls),
    path("rest-api/v1/", _SEVERA),
    path("rest-api/v1.0/", (*_SEVERA[:2], "severa-1.0")),  # both spellings are in use (Severa facts §1.1)
    path("rest-api/heartbeat/", severa_heartbeat.urls),
]
