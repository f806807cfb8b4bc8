"""Settings > Integrations > Visma Severa: Severa as the PSA, for administrators (rules 1.1, 13.6)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from samklang.accounts.services import AccountError
from samklang.clock import now
from samklang.connectors.severa.access import PRODUCTION, SCOPES
from samklang.mailboxes import messages as sentences
from samklang.mailboxes.services import Refused
from samklang.severa import roster, services
from samklang.severa.models import Arrangement
from samklang.sync.errors import SyncError
from samklang.web.access import administrators_only, the_user


class CredentialsForm(forms.ModelForm):
    secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Leave empty to keep the saved one. It is stored encrypted and never shown."),
    )

    class Meta:
        model = Arrangement
        fields = ("client_id", "secret", "url")
        labels = {"client_id": gettext_lazy("Client ID"), "url": gettext_lazy("Address")}  # noqa: RUF012
        help_texts = {"url": gettext_lazy("Severa's REST API. Change it only if Severa named another one.")}  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client_id"].required = True
        self.fields["url"].initial = PRODUCTION

    def clean_url(self) -> str:
        try:
            return services.address(str(self.cleaned_data["url"]))
        except Refused as refused:
            raise forms.ValidationError(" ".join(sentences.explain(refused.code))) from None


def _arrangement(request: HttpRequest) -> Arrangement:
    return services.arrangement_of(the_user(request).organization)


def _page(request: HttpRequest, arrangement: Arrangement, status: int = 200, **more: Any) -> HttpResponse:
    people = roster.rows(arrangement)
    context = {
        "area": "settings",
        "arrangement": arrangement,
        "on": arrangement.organization.in_severa,
        "form": CredentialsForm(instance=arrangement),
        "scopes": SCOPES,
        "is_tested": services.is_tested(arrangement),
        "types": roster.known_types(arrangement),
        "people": [(row, sentences.explain(row.problem).sentence if row.problem else "") for row in people],
        "mailed": [row.name for row in people if row.is_mailed],
        "unmatched": roster.without_severa(arrangement, people) if people else [],
        **more,
    }
    return render(request, "settings/severa.html", context, status=status)


@sensitive_post_parameters("secret")
@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def severa_settings(request: HttpRequest) -> HttpResponse:
    """The page; POST saves the part whose form was sent (`part`)."""
    arrangement, who = _arrangement(request), the_user(request)
    if request.method != "POST":
        return _page(request, arrangement)
    part = request.POST.get("part", "")
    if part == "credentials":
        form = CredentialsForm(request.POST, instance=Arrangement.objects.get(pk=arrangement.pk))
        if not form.is_valid():
            return _page(request, arrangement, 422, form=form)
        try:
            services.save(arrangement, form.cleaned_data, who)
        except Refused as refused:
            form.add_error("secret", " ".join(sentences.explain(refused.code)))
            return _page(request, arrangement, 422, form=form)
        messages.success(request, _("Settings saved."))
    elif part == "confirm":
        services.confirm(arrangement, request.POST.get("confirmed") == "on", who, now())
        messages.success(request, _("Saved."))
    elif part == "types":
        services.set_ticks(arrangement, request.POST.getlist("type"), who)
        messages.success(request, _("Activity types saved."))
    else:
        return _page(request, arrangement, 400)
    return redirect("settings-severa")


@administrators_only
@require_POST
def test(request: HttpRequest) -> HttpResponse:
    address = request.POST.get("address", "").strip() or the_user(request).email
    steps = services.test(_arrangement(request), address, the_user(request))
    return _page(request, _arrangement(request), steps=steps, tested_address=address)


@administrators_only
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """The switch at the top right: let activities be kept in Severa, or in the built-in calendar again."""
    arrangement, who = _arrangement(request), the_user(request)
    on = arrangement.organization.in_severa
    try:
        (services.switch_off if on else services.switch_on)(arrangement, who)
    except Refused as refused:
        messages.error(request, " ".join(sentences.explain(refused.code)))
    else:
        off = _("Activities are in the built-in calendar again. Nothing was removed in Severa or Exchange.")
        messages.success(request, off if on else _("Activities are in Severa from now on."))
    return redirect("settings-severa")


@administrators_only
@require_POST
def read_people(request: HttpRequest) -> HttpResponse:
    """Ask Severa for its users and activity types now; they are read once a day otherwise."""
    arrangement = _arrangement(request)
    try:
        if not services.is_tested(arrangement):
            raise Refused("severa_test_first")
        roster.read_anew(arrangement)
    except (Refused, SyncError) as error:
        messages.error(request, " ".join(sentences.explain(error.code)))
    else:
        messages.success(request, _("Users and activity types were read from Severa."))
    return redirect("settings-severa")


@administrators_only
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """An account for a user of Severa, and a mail with which he sets his password; the link where none goes out."""
    arrangement = _arrangement(request)
    try:
        invitation = roster.invite(arrangement, request.POST.get("user", ""), the_user(request))
    except Refused as refused:
        messages.error(request, " ".join(sentences.explain(refused.code)))
    except AccountError as error:
        messages.error(request, str(error))
    else:
        return _page(request, arrangement, invitation=invitation)
    return redirect("settings-severa")
