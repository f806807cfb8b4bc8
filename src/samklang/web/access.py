"""Who may open a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from samklang.accounts.models import User

View = Callable[..., HttpResponse]


def signed_in(view: View) -> View:
    """Anybody signed in; others are led to the sign-in page and back."""
    return login_required(view, login_url="/sign-in")


def built_in_calendar(view: View) -> View:
    """Anybody signed in; while his organization's activities are in Severa he is led to his synchronization: nobody
    would see what is written here."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if the_user(request).organization.in_severa:
            return redirect("profile-sync")
        return view(request, *args, **kwargs)

    return signed_in(guarded)


def administrators_only(view: View) -> View:
    """Administrators; a user is told so (403), a stranger is led to sign in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not the_user(request).is_administrator:
            return render(request, "refused.html", status=403)
        return view(request, *args, **kwargs)

    return signed_in(guarded)


def the_user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
