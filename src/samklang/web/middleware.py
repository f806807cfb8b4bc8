"""What every answer carries and every page needs."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from samklang.jobs.trigger import used

View = Callable[[HttpRequest], HttpResponse]

#: Everything from ourselves; nothing inline, nothing framed.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class SafePages:
    """Content-Security-Policy and no caching of anything personal."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._view(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if not request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        return response


class SignedIn:
    """A signed-in person reads in his own language, whatever the browser asks for, and his use starts runs (9.1)."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            translation.activate(user.language)
            timezone.activate(user.zone)
            request.LANGUAGE_CODE = user.language
            if request.method == "GET" and not request.headers.get("X-Requested-With"):
                used(user)
        else:
            timezone.deactivate()
        return self._view(request)
