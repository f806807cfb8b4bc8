"""The way to Microsoft's consent and back, and what came of it (rule 10.3). A part of the Microsoft Exchange page.

What comes back proves nothing but that somebody was sent there: its `state` serves once, for a few minutes, and the
administrator alone it was given to, for the organization he was in. Each window has its own.
"""

from __future__ import annotations

import secrets
from typing import Any, TypedDict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from samklang.accounts.models import User
from samklang.clock import real_now
from samklang.config import config
from samklang.connectors.graph.consent import read_redirect
from samklang.mailboxes import access, consents, services
from samklang.mailboxes import messages as sentences
from samklang.mailboxes import microsoft_sign_in as microsoft
from samklang.mailboxes.models import Connection, Consent
from samklang.sync.errors import SyncError
from samklang.web.access import administrators_only, the_user
from samklang.web.microsoft import leave_for_microsoft

_BEGUN = "consents_begun"
#: Seconds an administrator may take at Microsoft, and how many windows he may have open for it.
_LASTS, _WINDOWS = 900, 5


class _Begun(TypedDict):
    user: int
    organization: int
    at: float


@administrators_only
@require_POST
def grant(request: HttpRequest) -> HttpResponse:
    """Lead the administrator to Microsoft's consent."""
    state, user = secrets.token_urlsafe(24), the_user(request)
    begun: dict[str, _Begun] = request.session.get(_BEGUN, {})
    kept = sorted(begun.items(), key=lambda item: item[1]["at"])[1 - _WINDOWS :]
    mine = _Begun(user=user.pk, organization=user.organization_id, at=real_now().timestamp())
    request.session[_BEGUN] = dict(kept) | {state: mine}
    # A page of ours that moves on by itself: a redirect of a form's POST would meet `form-action 'self'`.
    try:
        address = access.consent_address(state, _redirect_uri())
    except SyncError as error:
        return _refused(request, error.code, 409, error.detail)
    return render(request, "settings/grant.html", {"address": address, "title": _("Grant permissions")})


@administrators_only
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """Microsoft sends the administrator back here. What the address says is a claim, for Microsoft to bear out."""
    if not _is_answer(request):
        return _refused(request, "consent_state_unknown", 400)
    answer = read_redirect(request.GET.dict())
    if answer.refusal or not answer.tenant:
        return _refused(request, answer.refusal or "consent_incomplete", 403, answer.detail)
    user = the_user(request)
    try:
        consent = consents.begin(services.connection_of(user.organization), answer.tenant, user)
    except services.Refused as refused:
        return _refused(request, refused.code, 400)
    if consents.state(consent) == "refused":
        return _refused(request, consent.code, 409, consent.detail)
    return render(request, "settings/consent.html", {"consent": as_shown(consent.connection)})


@administrators_only
@require_POST
def name_tenant(request: HttpRequest) -> HttpResponse:
    """For a tenant that opens some mailboxes and consents to none: the administrator names it and signs in there."""
    given = request.POST.get("tenant", "").strip() or microsoft.tenant_to_name(the_user(request))
    try:
        return leave_for_microsoft(request, "name_tenant", consents.named(given))
    except services.Refused as refused:
        messages.error(request, " ".join(sentences.explain(refused.code)))
        return redirect("settings-exchange")


def as_shown(connection: Connection) -> dict[str, Any] | None:
    """The claim that was made last, for the page; None where there was none."""
    consent = Consent.objects.filter(connection=connection).select_related("connection").first()
    if consent is None:
        return None
    return {
        "state": consents.state(consent),
        "tenant": consent.connection.tenant_name or consent.tenant,
        "scoped": consent.scoped,
        "since": consent.since,
        "until": consents.until(consent),
        "why": sentences.explain(consent.code, consent.detail) if consent.code else None,
        "detail": consent.detail,
        "permissions": consent.permissions,
        "missing": consent.missing,
        "people": _people(consent),
    }


def _people(consent: Consent) -> list[dict[str, Any]]:
    """Each user and his mailbox; who has none first."""
    rows = []
    for user in User.objects.of(consent.connection.organization).active().order_by("name"):
        found = consent.found.get(str(user.guid))
        if found is not None:
            why = sentences.explain(found["code"]) if "code" in found else None
            rows.append({"name": user.name, "email": user.email, "why": why, **found})
    return sorted(rows, key=lambda row: row["why"] is None)


def _is_answer(request: HttpRequest) -> bool:
    """The state was given out in this session, lately, to whoever is signed in now. It is used up."""
    begun: dict[str, _Begun] = request.session.get(_BEGUN, {})
    mine = begun.pop(request.GET.get("state", ""), None)
    request.session[_BEGUN] = begun
    if mine is None:
        return False
    user = the_user(request)
    his = (mine["user"], mine["organization"]) == (user.pk, user.organization_id)
    return his and real_now().timestamp() < mine["at"] + _LASTS


def _refused(request: HttpRequest, code: str, status: int, detail: str = "") -> HttpResponse:
    context = {"explained": sentences.explain(code, detail), "detail": detail}
    return render(request, "settings/consent.html", context, status=status)


def _redirect_uri() -> str:
    return config().public_url.rstrip("/") + "/settings/integrations/microsoft-exchange/consent"
