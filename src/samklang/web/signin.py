"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from samklang.accounts import services
from samklang.mailboxes import microsoft_sign_in


class SignInForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    target = safe_target(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            user = services.authenticate(values["email"], values["password"], request.META.get("REMOTE_ADDR", ""))
        except services.SignInMustWait as wait:
            form.add_error(None, str(wait))
            status = 429
        except services.SignInRefused as refused:
            form.add_error(None, str(refused))
            status = 403
        else:
            auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return HttpResponseRedirect(target)
    return sign_in_page(request, form, target, status)


def sign_in_page(request: HttpRequest, form: SignInForm, target: str, status: int, **more: Any) -> HttpResponse:
    context = {"form": form, "next": target, "microsoft": microsoft_sign_in.is_offered(), **more}
    return render(request, "signin.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return HttpResponseRedirect("/sign-in")


def safe_target(request: HttpRequest) -> str:
    """Where to go after signing in: within this site only."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if safe and target.startswith("/") else "/"
