"""My profile > Calendar synchronization: what becomes of single entries (rules 4.9, 8.5)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from samklang.clock import now
from samklang.mailboxes import choices, reasons
from samklang.mailboxes import messages as sentences
from samklang.mailboxes.models import Mailbox
from samklang.mailboxes.services import Refused
from samklang.web.access import signed_in, the_user


def listed(mailbox: Mailbox) -> dict[str, object]:
    """What the page shows for its user to choose about."""
    apart = [{"entry": one, "why": reasons.why(one.rule)} for one in choices.apart(mailbox)]
    return {"missing": choices.missing(mailbox), "apart": apart}


def _mailbox(request: HttpRequest) -> Mailbox | None:
    mine = Mailbox.objects.filter(user=the_user(request), on=True)
    return mine.select_related("user__organization").first()


@signed_in
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Remove or put back one missing entry, or all of them."""
    mailbox = _mailbox(request)
    if mailbox is not None:
        choice, entry = request.POST.get("choice", ""), request.POST.get("id") or None
        try:
            choices.choose(mailbox, choice, now(), the_user(request), id=entry)
        except Refused as refused:
            messages.warning(request, sentences.explain(refused.code).sentence)
        else:
            messages.success(request, _("Chosen. The next run does it."))
    return redirect("profile-sync")


@signed_in
@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """Sync again what is kept apart."""
    mailbox = _mailbox(request)
    if mailbox is not None:
        try:
            choices.sync_again(mailbox, request.POST.get("id", ""), the_user(request))
        except Refused as refused:
            messages.warning(request, sentences.explain(refused.code).sentence)
        else:
            messages.success(request, _("Chosen. The next run does it."))
    return redirect("profile-sync")
