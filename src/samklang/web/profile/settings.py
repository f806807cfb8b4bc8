"""My profile: language, time zone, and the activity type one's new entries get (rule 1.6)."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from samklang.accounts.models import ApiClient, User
from samklang.accounts.services import AccountError, change_profile
from samklang.activities.models import ActivityType
from samklang.engine.model import Category
from samklang.web.access import signed_in, the_user


class ProfileForm(forms.Form):
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        widget=forms.TextInput({"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "The calendar is shown in it, and new entries are made in it. What is there already stays as it is."
        ),
    )
    default_activity_type = forms.ChoiceField(
        label=gettext_lazy("Activity type of new entries"),
        required=False,
        help_text=gettext_lazy("Public entries of your Microsoft calendar get it, too."),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user.organization.in_severa:
            # He chooses it there (rule 1.6).
            del self.fields["default_activity_type"]
            return
        types = ActivityType.objects.of(user.organization).filter(is_active=True, category=Category.CALENDAR_ENTRY)
        named = [(str(type_.guid), type_.name) for type_ in types.order_by("name")]
        self.fields["default_activity_type"].choices = [("", _("The organization's default")), *named]  # type: ignore[attr-defined]


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = the_user(request)
    if request.method == "POST":
        form = ProfileForm(user, request.POST)
        if form.is_valid() and _saved(user, form):
            translation.activate(user.language)
            messages.success(request, _("Saved."))
            return redirect("profile")
    else:
        names = ("language", "zone", "default_activity_type")
        form = ProfileForm(user, initial={name: getattr(user, name) for name in names})
    readers = ApiClient.objects.of(user.organization).valid().filter(sees_private=True).values_list("name", flat=True)
    context = {"area": "profile", "form": form, "zones": _zones(), "readers": sorted(readers)}
    context["microsoft"] = bool(user.organization.microsoft_tenant)
    return render(request, "profile/settings.html", context, status=422 if form.errors else 200)


def _saved(user: User, form: ProfileForm) -> bool:
    """Rule 6.4: nothing but the user's own row is written, however many entries he has."""
    try:
        change_profile(user, **form.cleaned_data)
    except AccountError as error:
        form.add_error("zone" if error.code == "zone_unknown" else None, str(error))
        return False
    return True


def _zones() -> list[str]:
    """Those named after a place; others are still accepted."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
