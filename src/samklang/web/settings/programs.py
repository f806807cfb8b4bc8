"""Settings > Integrations > REST API: client credentials for programs of the organization's own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from samklang.accounts.models import ApiClient
from samklang.accounts.programs import SCOPES, make_client, revoke_client
from samklang.accounts.services import AccountError
from samklang.web.access import administrators_only, the_user


class ClientForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Target system"), max_length=100, help_text=gettext_lazy("What uses the credentials.")
    )
    description = forms.CharField(label=gettext_lazy("Description"), max_length=500, required=False)
    contact = forms.CharField(
        label=gettext_lazy("Contact person"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Whom to ask about it."),
    )
    redirects = forms.CharField(
        label=gettext_lazy("Redirect addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For programs that ask for authorization codes: where these may be sent, one a line."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Select API scopes"),
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    sees_private = forms.BooleanField(
        label=gettext_lazy("May read private entries"),
        required=False,
        help_text=gettext_lazy(
            "Without this the program sees of private entries only when somebody is busy. With it, everybody's profile "
            "says that a program can read them."
        ),
    )

    def clean_redirects(self) -> list[str]:
        return str(self.cleaned_data["redirects"]).split()


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def programs(request: HttpRequest) -> HttpResponse:
    """The page; POST makes credentials, whose secret is shown in the answer and never again."""
    if request.method != "POST":
        return _page(request, ClientForm())
    form = ClientForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    who = the_user(request)
    try:
        client, secret = make_client(who.organization, by=who, **form.cleaned_data)
    except AccountError as error:
        form.add_error("redirects" if error.code == "redirect_invalid" else None, str(error))
        return _page(request, form, 422)
    return _page(request, ClientForm(), made=client, secret=secret)


@administrators_only
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    who = the_user(request)
    client = ApiClient.objects.of(who.organization).valid().filter(pk=_number(request.POST.get("client"))).first()
    if client is None:
        raise Http404
    revoke_client(client, by=who)
    messages.success(request, _("“%(name)s” can no longer use the REST API.") % {"name": client.name})
    return redirect("settings-programs")


def _number(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 10 else 0


def _page(request: HttpRequest, form: ClientForm, status: int = 200, **more: Any) -> HttpResponse:
    clients = ApiClient.objects.of(the_user(request).organization).valid().order_by("name", "pk")
    base = request.build_absolute_uri("/rest-api")
    context = {"area": "settings", "form": form, "clients": clients, "base": base, **more}
    return render(request, "settings/programs.html", context, status=status)
