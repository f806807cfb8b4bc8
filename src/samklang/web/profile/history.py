"""My profile > … > History, Why, Switching off: a person and his own synchronization (rules 10.1, 11, 12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from samklang import psa
from samklang.acts import data, leaving
from samklang.acts.looking import shown
from samklang.acts.restoring import restore_write
from samklang.acts.why import why as answer_why
from samklang.engine import times
from samklang.engine.model import Side
from samklang.mailboxes import errands, history, reasons, waiting
from samklang.mailboxes import messages as sentences
from samklang.mailboxes.models import JournalRow, Mailbox
from samklang.mailboxes.services import Refused
from samklang.sync.errors import SyncError
from samklang.web.access import signed_in, the_user
from samklang.web.profile.sync import readable
from samklang.wiring import Busy

#: Writes and runs shown at once.
SHOWN = 100


def _of_ones_own(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that gets one's own mailbox, switched on or off; who never switched on is led to where he could."""

    @wraps(view)
    def with_mailbox(request: HttpRequest, **more: Any) -> HttpResponse:
        mailbox = _mailbox(request)
        return redirect("profile-sync") if mailbox is None else view(request, mailbox, **more)

    return signed_in(with_mailbox)


def _mailbox(request: HttpRequest) -> Mailbox | None:
    return Mailbox.objects.filter(user=the_user(request)).select_related("user__organization", "connection").first()


@signed_in
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """What was written, the latest first; of one run, or about one activity, if asked."""
    user, mailbox = the_user(request), _mailbox(request)
    run, activity = request.GET.get("run", ""), request.GET.get("activity", "")
    if activity:
        rows = history.rows_about(user.organization_id, activity)
    elif mailbox:
        rows = history.rows_of(mailbox)
        rows = rows.filter(run_id=run) if run.isdecimal() else rows
    else:
        rows = JournalRow.objects.none()
    writes = [_in_words(row) for row in shown(user, list(rows.select_related("mailbox")[:SHOWN]))]
    if activity and not _may_see(request, activity):
        raise Http404
    runs = history.runs_of(mailbox, SHOWN) if mailbox and not (run or activity) else []
    context = {"area": "profile", "writes": writes, "runs": runs, "run": run, "activity": activity}
    result = errands.result(mailbox) if mailbox and not (run or activity) else {}
    return render(request, "profile/history.html", {**context, "stayed": _stayed(result), "mailbox": mailbox})


def _may_see(request: HttpRequest, activity: str) -> bool:
    """In Severa nobody but its people: whether it is private for the others is Severa's to say (rule 1.8)."""
    user = the_user(request)
    hidden = ("unknown", "masked", "not_yours") if user.organization.in_severa else ("unknown", "masked")
    return answer_why(user, activity_id=activity).status not in hidden


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    kinds = {"create": _("made"), "update": _("changed"), "delete": _("removed")}
    fields = [{**one, "field": reasons.field(one["field"])} for one in row["fields"] if row["kind"] == "update"]
    for one in fields:
        for name in ("before", "after", "lost"):
            one[name] = _value(one[name])
    return {**row, "kind": kinds.get(row["kind"], row["kind"]), "fields": fields}


def _value(text: str | None) -> str:
    """A canonical value as people read it."""
    if not text:
        return "–"
    start, slash, end = text.partition("/")
    try:
        return " – ".join(_moment(part) for part in (start, end)) if slash else text
    except ValueError:
        return text


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if "T" not in text:
        return date_format(moment, "SHORT_DATE_FORMAT")
    wall = times.to_wall(moment, timezone.get_current_timezone_name())
    return f"{date_format(wall, 'SHORT_DATE_FORMAT')} {wall:%H:%M}"


def _stayed(result: Any) -> list[dict[str, Any]]:
    """What the last undo or removal left as it was, in words."""
    return [{**row, "why": sentences.explain(row["code"]).sentence} for row in result.get("stayed", ())]


def _act(request: HttpRequest, act: Callable[[], object], done: str, back: str = "profile-history") -> HttpResponse:
    """Do it, say what came of it, and go back to where it was asked for."""
    try:
        act()
    except Refused as refused:
        explained = sentences.explain(refused.code)
        messages.error(request, f"{explained.sentence} {explained.remedy}")
    except Busy:
        messages.warning(request, _("A run is under way; ask again in a moment."))
    else:
        messages.success(request, done)
    there = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(there, allowed_hosts=None) and there.startswith("/")
    return HttpResponseRedirect(there) if safe else redirect(back)


@require_POST
@_of_ones_own
def restore(request: HttpRequest, mailbox: Mailbox, write_id: int) -> HttpResponse:
    done = _("Put back. The next run carries it to Outlook.")
    return _act(request, lambda: restore_write(mailbox, write_id, the_user(request)), done)


@require_POST
@_of_ones_own
def undo(request: HttpRequest, mailbox: Mailbox, run_id: int) -> HttpResponse:
    done = _("The run is being undone. What somebody edited since stays, and is listed here.")
    return _act(request, lambda: errands.ask_undo(mailbox, run_id, the_user(request)), done)


# --- why ------------------------------------------------------------------------------------------------------------


@signed_in
@require_GET
def why(request: HttpRequest) -> HttpResponse:
    """Why is this (not) synced?"""
    activity, event = request.GET.get("activity", ""), request.GET.get("event", "")
    if bool(activity) is bool(event):
        raise Http404
    user = the_user(request)
    answer = answer_why(user, activity_id=activity, item_id=event)
    held = [reasons.field(key) for key in answer.held]
    seen = answer.activity if answer.status not in ("masked", "unknown") else None
    rows = history.rows_about(user.organization_id, seen)[:10] if seen else []
    writes = [_in_words(row) for row in shown(user, list(rows))]
    context = {"area": "profile", "answer": answer, "held": held, "writes": writes}
    context["title"] = psa.title_of(user, seen) if seen else ""
    return render(request, "profile/why.html", context)


@require_POST
@_of_ones_own
def sync_again(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    ids = {"psa_id": request.POST.get("activity", ""), "item_id": request.POST.get("event", "")}
    return _act(request, lambda: waiting.sync_again(mailbox, **ids), _("It is synced again with the next run."))


# --- what waits -----------------------------------------------------------------------------------------------------


@require_POST
@_of_ones_own
def retry(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    side, entry = request.POST.get("side", ""), request.POST.get("id", "")
    return _act(request, lambda: waiting.retry(mailbox, side, entry), _("It is tried again now."), "profile-sync")


@require_POST
@_of_ones_own
def ignore(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    side, entry = request.POST.get("side", ""), request.POST.get("id", "")
    done = _("It is left alone until it changes.")
    return _act(request, lambda: waiting.ignore(mailbox, side, entry), done, "profile-sync")


@require_POST
@_of_ones_own
def dismiss(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    """The user has looked at two entries that were nearly alike."""
    waiting.dismiss_near_match(mailbox, request.POST.get("activity", ""), request.POST.get("event", ""))
    return redirect("profile-sync")


# --- leaving --------------------------------------------------------------------------------------------------------


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Switch off and remove what the sync made: chosen, then previewed, then asked for (rule 12.1)."""
    mailbox = _mailbox(request)
    asked = request.POST if request.method == "POST" else request.GET
    sides = [side for side in Side if side.value in asked.getlist("remove")]
    context: dict[str, Any] = {"area": "profile", "mailbox": mailbox, "sides": [side.value for side in sides]}
    if mailbox is None or not mailbox.on or not sides:
        return render(request, "profile/leave.html", context)
    if request.method == "POST":
        done = _(
            "Synchronization is being switched off, and what it made removed. What stays is listed in the history."
        )
        return _act(request, lambda: errands.ask_leave(mailbox, sides, the_user(request)), done, "profile-sync")
    try:
        rows = [readable(row, mailbox.user.zone) for row in leaving.preview(mailbox, sides)]
        name = mailbox.user.organization.psa_name
        context["groups"] = [
            (sentences.kind(kind, name), [row for row in rows if row["kind"] == kind]) for kind in ("Delete", "Stay")
        ]
    except (SyncError, Busy) as error:
        context["error"] = sentences.explain(getattr(error, "code", "unavailable"))
    return render(request, "profile/leave.html", context)


@signed_in
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """All that is kept of oneself, as a zip file (rule 12.2)."""
    answer = HttpResponse(data.archive(the_user(request)), content_type="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="samklang.zip"'
    return answer


@signed_in
@require_POST
def erase(request: HttpRequest) -> HttpResponse:
    """Erase one's synchronization data, or everything, once the e-mail address was typed again."""
    user = the_user(request)
    everything = "everything" in request.POST
    if request.POST.get("confirm", "").strip().casefold() != user.email:
        messages.error(request, _("Type your e-mail address to confirm."))
        return redirect("profile-leave")
    if not everything:
        done = _("What was remembered of your synchronization is erased. Both calendars stay as they are.")
        return _act(request, lambda: data.erase_synchronization(user, by=user), done, "profile-sync")
    try:
        data.erase_everything(user, by=user)
    except Refused as refused:
        messages.error(request, sentences.explain(refused.code).sentence)
        return redirect("profile-leave")
    except Busy:
        messages.warning(request, _("A run is under way; ask again in a moment."))
        return redirect("profile-leave")
    logout(request)
    return HttpResponseRedirect(reverse("sign-in"))
