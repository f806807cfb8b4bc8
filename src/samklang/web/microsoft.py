"""Signing in with Microsoft: the way there and back (OpenID Connect).

What was begun is kept in the person's session and taken out of it by the first answer, so that an answer serves once,
in the browser that asked, for a few minutes. Nothing of an answer is shown or logged but the code of a refusal.
"""

from __future__ import annotations

import logging
from typing import Any, Literal, TypedDict

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from samklang.clock import real_now
from samklang.mailboxes import consents
from samklang.mailboxes import messages as sentences
from samklang.mailboxes import microsoft_sign_in as microsoft
from samklang.mailboxes.services import Refused
from samklang.sync.errors import ProtocolError, SyncError, Unavailable
from samklang.web.access import signed_in, the_user
from samklang.web.signin import SignInForm, safe_target, sign_in_page

log = logging.getLogger("samklang.web")

_BEGUN = "microsoft_sign_in"
#: Seconds a person may take at Microsoft.
_LASTS = 900

Purpose = Literal["sign_in", "connect", "switch_on", "name_tenant"]
_ACTS = {"connect": microsoft.connect, "switch_on": microsoft.switch_on, "name_tenant": consents.begin_signed_in}
_PAGES = {"connect": "profile", "switch_on": "settings-microsoft", "name_tenant": "settings-exchange"}
_ADMINISTRATORS = ("switch_on", "name_tenant")
_DONE = {
    "connect": gettext_lazy("You can sign in with this Microsoft account from now on."),
    "switch_on": gettext_lazy("People of your organization can sign in with Microsoft from now on."),
    "name_tenant": gettext_lazy("You showed that the tenant is yours. What Microsoft grants there is below."),
}


class _Begun(TypedDict):
    purpose: Purpose
    #: For which user; None while nobody is signed in.
    user: int | None
    #: Where he is asked who he is, and where he goes afterwards.
    tenant: str
    next: str
    flow: dict[str, Any]
    at: float


@require_GET
def sign_in(request: HttpRequest) -> HttpResponse:
    """Lead somebody to Microsoft, whoever he is."""
    target = safe_target(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    try:
        if not microsoft.is_offered():
            raise Refused("microsoft_off")
        return HttpResponseRedirect(begin(request, "sign_in", microsoft.tenant_for_anybody(), target))
    except (Refused, SyncError) as refused:
        return _refused(request, "sign_in", refused, target)


@signed_in
@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    """Lead the user to Microsoft, so that he signs in with that account from then on."""
    return leave_for_microsoft(request, "connect", the_user(request).organization.microsoft_tenant)


@signed_in
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    microsoft.disconnect(the_user(request))
    messages.success(request, _("Your Microsoft account is no longer connected."))
    return redirect("profile")


def leave_for_microsoft(request: HttpRequest, purpose: Purpose, tenant: str) -> HttpResponse:
    """A page of ours that moves on by itself: a redirect of a form's POST would meet `form-action 'self'`."""
    try:
        if not tenant:
            raise Refused("microsoft_off")
        address = begin(request, purpose, tenant, "")
    except (Refused, SyncError) as refused:
        return _refused(request, purpose, refused, "")
    return render(request, "settings/grant.html", {"address": address, "title": _("Sign in with Microsoft")})


def begin(request: HttpRequest, purpose: Purpose, tenant: str, target: str) -> str:
    """Remember what is begun, and say where at Microsoft it goes on. Raises SyncError."""
    try:
        flow = microsoft.begin(tenant)
    except Refused as refused:
        # He named the tenant himself: it is not that of his address.
        named = purpose == "name_tenant" and refused.code == "microsoft_no_tenant"
        raise Refused("tenant_not_found") if named else refused from None
    user, at = request.user.pk, real_now().timestamp()
    request.session[_BEGUN] = _Begun(purpose=purpose, user=user, tenant=tenant, next=target, flow=flow, at=at)
    return str(flow["auth_uri"])


@sensitive_variables()
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """Microsoft sends the person back here, with a code or a refusal."""
    begun: _Begun | None = request.session.pop(_BEGUN, None)
    purpose, target = (begun["purpose"], begun["next"]) if begun else ("sign_in", "/")
    try:
        if begun is None or not _is_answer_to(begun, request):
            raise Refused("microsoft_begin_again")
        who = microsoft.finish(begun["tenant"], begun["flow"], request.GET.dict())
        user = microsoft.user_of(who) if purpose == "sign_in" else the_user(request)
        if purpose != "sign_in":
            _ACTS[purpose](user, who)
    except (Refused, SyncError) as refused:
        return _refused(request, purpose, refused, target)
    if purpose == "sign_in":
        auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return HttpResponseRedirect(target)
    messages.success(request, _DONE[purpose])
    return redirect(_PAGES[purpose])


def _is_answer_to(begun: _Begun, request: HttpRequest) -> bool:
    """The state is the one that was sent, lately, by whoever is signed in now; he may still do what he began."""
    user = request.user
    same = begun["purpose"] == "sign_in" or user.pk == begun["user"]
    allowed = begun["purpose"] not in _ADMINISTRATORS or getattr(user, "is_administrator", False)
    lately = real_now().timestamp() < begun["at"] + _LASTS
    return same and allowed and lately and constant_time_compare(begun["flow"]["state"], request.GET.get("state", ""))


def _refused(request: HttpRequest, purpose: Purpose, refused: Refused | SyncError, target: str) -> HttpResponse:
    """Why, in words, where the person came from."""
    detail = refused.detail if isinstance(refused, SyncError) else ""
    ids = {"action": "microsoft_refused", "code": refused.code, "detail": detail}
    log.log(logging.INFO, "no sign-in with Microsoft", extra=ids)
    explained = sentences.explain(refused.code, detail)
    if purpose == "sign_in":
        status = 502 if isinstance(refused, Unavailable | ProtocolError) else 403
        status = 400 if refused.code == "microsoft_begin_again" else status
        return sign_in_page(request, SignInForm(), target, status, explained=explained, detail=detail)
    messages.error(request, " ".join(filter(None, (*explained, detail))))
    return redirect(_PAGES[purpose])
