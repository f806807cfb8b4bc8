"""Settings > Integrations > Microsoft Exchange, for administrators (rule 1.1)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from samklang import wiring
from samklang.activities.models import ActivityType
from samklang.activities.types import set_ticks
from samklang.config import config
from samklang.mailboxes import assistant, expiry, finding, looking_up, push, services
from samklang.mailboxes import messages as sentences
from samklang.mailboxes.models import Connection
from samklang.mailboxes.script_words import NOTES
from samklang.mailboxes.status import counted
from samklang.sync.errors import SyncError
from samklang.web.access import administrators_only, the_user
from samklang.web.settings.consent import as_shown
from samklang.web.settings.forms import LookUpForm, PolicyForm, ScriptForm, ServerForm, VersionForm


def _connection(request: HttpRequest) -> Connection:
    return services.connection_of(the_user(request).organization)


def _page(request: HttpRequest, connection: Connection, status: int = 200, **more: Any) -> HttpResponse:
    types = ActivityType.objects.of(connection.organization).filter(is_active=True).order_by("name")
    context = {
        "area": "settings",
        "connection": connection,
        "in_severa": connection.organization.in_severa,
        "version_form": VersionForm(instance=connection),
        "server_form": ServerForm(instance=connection),
        "policy_form": PolicyForm(instance=connection),
        "script_form": ScriptForm(connection, initial={"mailbox": the_user(request).email}),
        "consent": as_shown(connection),
        "app_id": config().app_id,
        "types": types,
        "may_enable": services.may_enable(connection),
        "paused": sentences.explain(connection.paused_code, connection.paused_detail)
        if connection.paused_code
        else None,
        "paused_command": assistant.command_against(connection, connection.paused_code),
        "trying": services.is_tried_next(connection),
        "credential": expiry.of(connection),
        "rhythm": push.state(connection),
        "poll_minutes": max(1, round(config().poll_seconds / 60)),
        "users": [counted(mailbox) for mailbox in _mailboxes(connection)],
        **more,
    }
    return render(request, "settings/exchange.html", context, status=status)


def _mailboxes(connection: Connection) -> Any:
    return connection.mailboxes.select_related("user", "connection").order_by("user__name")


@sensitive_post_parameters("password", "proxy_password")
@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def exchange_settings(request: HttpRequest) -> HttpResponse:
    """The page; POST saves the part whose form was sent (`part`)."""
    connection = _connection(request)
    if request.method != "POST":
        return _page(request, connection)
    part = request.POST.get("part", "")
    if part == "types":
        set_ticks(connection.organization, request.POST.getlist("type"), by=the_user(request))
        messages.success(request, _("Activity types saved."))
        return redirect("settings-exchange")
    kinds = {"version": VersionForm, "server": ServerForm, "policy": PolicyForm}
    if part not in kinds:
        return _page(request, connection, 400)
    form = kinds[part](request.POST, instance=Connection.objects.get(pk=connection.pk))
    if not form.is_valid():
        return _page(request, connection, 422, **{f"{part}_form": form})
    services.save_connection(_connection(request), form.cleaned_data, the_user(request))
    messages.success(request, _("Settings saved."))
    return redirect("settings-exchange")


@sensitive_post_parameters("password", "proxy_password")
@administrators_only
@require_POST
def look_up(request: HttpRequest) -> HttpResponse:
    """Look the Exchange URL up with what is typed in the form, saved or not; it is shown filled in, and saved by no one
    but the administrator. `trust`: hosts outside the domain that he confirmed."""
    connection = _connection(request)
    form = LookUpForm(request.POST, instance=Connection.objects.get(pk=connection.pk))
    if not form.is_valid():
        return _page(request, connection, 422, server_form=form)
    address = request.POST.get("look_up_address", "").strip() or the_user(request).email
    trusted, values = request.POST.getlist("trust"), form.cleaned_data
    found = looking_up.look_up(connection, address, by=the_user(request), values=values, trusted=trusted)
    typed = form.instance
    typed.url = found.url or typed.url
    shown = ServerForm(instance=typed)
    return _page(request, connection, server_form=shown, looked_up=found, look_up_address=address, trusted=trusted)


@administrators_only
@require_POST
def test(request: HttpRequest) -> HttpResponse:
    connection = _connection(request)
    address = request.POST.get("address", "").strip() or the_user(request).email
    steps = wiring.test_connection(connection, address, by=the_user(request))
    return _page(request, _connection(request), steps=steps, tested_address=address)


@administrators_only
@require_POST
def script(request: HttpRequest) -> HttpResponse:
    """The set-up assistant's script for the version and account saved. A POST, lest names stand in the address."""
    connection = _connection(request)
    form = ScriptForm(connection, request.POST)
    if not form.is_valid():
        return _page(request, connection, 422, script_form=form)
    notes = [_(NOTES[note]) for note in form.script.notes]
    return _page(request, connection, script_form=form, script=form.script, script_notes=notes)


@administrators_only
@require_POST
def take_over(request: HttpRequest) -> HttpResponse:
    """Take the mailbox of one of the organization's users over from another organization (rule 1.3)."""
    mailbox = _mailboxes(_connection(request)).filter(user__email=request.POST.get("user", "")).first()
    try:
        if mailbox is None:
            raise services.Refused("nothing_to_take_over")
        finding.take_over(mailbox, the_user(request))
    except (services.Refused, SyncError) as refused:
        messages.error(request, sentences.explain(refused.code).sentence)
    else:
        messages.success(request, _("The mailbox was taken over."))
    return redirect("settings-exchange")


@administrators_only
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """The switch at the top right: enable after a passed test, pause the whole organization."""
    connection = _connection(request)
    if connection.enabled:
        services.disable(connection, the_user(request))
        messages.success(request, _("Microsoft Exchange is off. Nothing was removed anywhere."))
    else:
        try:
            services.enable(connection, the_user(request))
        except services.Refused:
            messages.error(request, _("Test the connection first: it has to pass with the settings as saved."))
        else:
            messages.success(request, _("Microsoft Exchange is on. People can now switch on sync in My profile."))
    return redirect("settings-exchange")


@administrators_only
@require_POST
def sync_everybody(request: HttpRequest) -> HttpResponse:
    """Sync now, for everybody who switched on (rule 9.3)."""
    started = services.sync_everybody(_connection(request), the_user(request))
    text = ngettext("%(n)d calendar is on its way.", "%(n)d calendars are on their way.", started)
    messages.success(request, text % {"n": started})
    return redirect("settings-exchange")


@administrators_only
@require_GET
def to_settings(request: HttpRequest) -> HttpResponse:
    """`/settings` leads to the only page there is so far."""
    return HttpResponseRedirect("/settings/integrations/microsoft-exchange")


@administrators_only
@require_POST
def accept(request: HttpRequest, user_id: str) -> HttpResponse:
    """Let exactly this braked plan of a user go on (rule 8.3)."""
    mailbox = _connection(request).mailboxes.filter(user__guid=user_id).select_related("user__organization").first()
    if mailbox is None:
        return redirect("settings-exchange")
    try:
        services.accept(mailbox, request.POST.get("plan", ""), the_user(request))
    except services.Refused as refused:
        messages.error(request, sentences.explain(refused.code).sentence)
    return redirect("settings-exchange")
