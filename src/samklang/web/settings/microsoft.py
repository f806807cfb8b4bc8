"""Settings > Integrations > Sign-in with Microsoft, for administrators."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from samklang.accounts.models import User
from samklang.mailboxes import microsoft_sign_in as microsoft
from samklang.web.access import administrators_only, the_user
from samklang.web.microsoft import leave_for_microsoft


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The page; POST is its switch. Nothing is typed: the administrator signs in with Microsoft himself, which shows
    that it works and whose people are let in."""
    who = the_user(request)
    on = who.organization.microsoft_tenant
    if request.method == "POST":
        if not on:
            return leave_for_microsoft(request, "switch_on", microsoft.tenant_to_name(who))
        microsoft.switch_off(who.organization, who)
        messages.success(request, _("Nobody signs in with Microsoft any longer. Passwords go on working."))
        return redirect("settings-microsoft")
    people = User.objects.of(who.organization).active()
    context = {
        "area": "settings",
        "tenant": on,
        "has_app": microsoft.has_app(),
        "redirect_uri": microsoft.redirect_uri(),
        "connected": people.exclude(microsoft_id=None).count(),
        "all": people.count(),
    }
    return render(request, "settings/microsoft.html", context)
