"""My profile > Calendar & activities > Calendar synchronization: one's own switch (rule 1.2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from samklang import psa, wiring
from samklang.clock import now
from samklang.engine import times
from samklang.engine.materialize import whole_id
from samklang.engine.missing import CODE as MISSING
from samklang.mailboxes import messages as sentences
from samklang.mailboxes import reasons, services, waiting
from samklang.mailboxes.models import Connection, Mailbox
from samklang.mailboxes.status import status as status_of
from samklang.web.access import signed_in, the_user
from samklang.web.profile import choices

#: Rows of the preview shown of each kind; the counts say how many there are.
SHOWN_ROWS = 50


def _mailbox(request: HttpRequest) -> Mailbox | None:
    return Mailbox.objects.filter(user=the_user(request)).select_related("user__organization", "connection").first()


@signed_in
@require_GET
def calendar_sync(request: HttpRequest) -> HttpResponse:
    return render(request, "profile/sync.html", {"area": "profile", **_state(request)})


@signed_in
@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes while a run goes on; the page asks for it now and then."""
    return render(request, "profile/sync_state.html", _state(request))


def _state(request: HttpRequest) -> dict[str, Any]:
    user = the_user(request)
    mailbox = _mailbox(request)
    connection = Connection.objects.filter(organization_id=user.organization_id).first()
    status = status_of(mailbox) if mailbox else None
    context: dict[str, Any] = {
        "organization_on": bool(connection and connection.enabled),
        "mailbox": mailbox,
        "status": status,
        "types": psa.types_that_go_out(user.organization),
    }
    if mailbox and status:
        context["error"] = sentences.explain(status["error"], status["error_detail"] or "") if status["error"] else None
        context["aside"] = [
            {**row, **sentences.set_aside(row), "title": _title(mailbox, row)}
            for row in status["set_aside"]
            if row["code"] != MISSING  # listed with its choice
        ]
        context["preview"] = _preview(mailbox)
        context |= choices.listed(mailbox)
        context["near"] = [
            {**one, "title": _title(mailbox, {"side": "psa", "id": one["psa_id"]}), "field": _DIFFERS[one["differs"]]}
            for one in waiting.near_matches(mailbox)
        ]
        context["working"] = (
            mailbox.on and not (status["waiting_for"] or status["stopped"]) and mailbox.seq != mailbox.synced_seq
        )
    return context


#: What two nearly equal entries differ in, as `engine.actions.NearMatch` names it.
_DIFFERS = {
    "title": gettext_lazy("Title"),
    "start_date": gettext_lazy("Start date"),
    "start_time": gettext_lazy("Start time"),
    "end_date": gettext_lazy("End date"),
    "end_time": gettext_lazy("End time"),
    "recurrence": gettext_lazy("Repeats"),
}


def _title(mailbox: Mailbox, row: dict[str, Any]) -> str:
    """What the user calls the entry, as far as its activity is known."""
    guid = row["id"]
    if row["side"] == "exchange":
        guid = mailbox.link_rows.filter(item_id=guid).values_list("psa_id", flat=True).first()
    return psa.title_of(mailbox.user, whole_id(guid or ""))


def _preview(mailbox: Mailbox) -> dict[str, Any] | None:
    preview = wiring.waiting_preview(mailbox)
    if not preview:
        return None
    rows = [readable(row, mailbox.user.zone) for row in preview["rows"]]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    name = mailbox.user.organization.psa_name
    groups = [(sentences.kind(k, name), [row for row in rows if row["kind"] == k]) for k in kinds]
    return {
        **preview,
        "groups": [
            {
                "title": title,
                "count": len(of_kind),
                "rows": of_kind[:SHOWN_ROWS],
                "more": max(0, len(of_kind) - SHOWN_ROWS),
            }
            for title, of_kind in groups
        ],
    }


def readable(row: dict[str, Any], zone: str) -> dict[str, Any]:
    """A row of the preview with its time and reason in words."""
    reason = sentences.explain(row["code"]).sentence if row["code"] else _reason(row["kind"], row["rule"])
    return {**row, "when": _when(row, zone), "why": reason}


def _reason(kind: str, number: str) -> str:
    """Why a row of the preview is there, where the heading does not say it already."""
    return reasons.why(number) if kind in ("LeaveOut", "Unlink", "Delete", "Update") else ""


def _when(row: dict[str, Any], zone: str) -> str:
    if not row["start"]:
        return ""
    if row["all_day"]:
        return date_format(date.fromisoformat(row["start"]), "SHORT_DATE_FORMAT")
    wall = times.to_wall(datetime.fromisoformat(row["start"]), zone)
    return f"{date_format(wall, 'SHORT_DATE_FORMAT')} {wall:%H:%M}"


@signed_in
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    mailbox = _mailbox(request)
    if mailbox and mailbox.on:
        services.switch_off(the_user(request), now())
        messages.success(request, _("Calendar synchronization is off. Both calendars stay as they are."))
        return redirect("profile-sync")
    try:
        services.switch_on(the_user(request), now(), unseen="unseen" in request.POST)
    except services.Refused as refused:
        messages.error(request, sentences.explain(refused.code, "").sentence)
    return redirect("profile-sync")


@signed_in
@require_POST
def series(request: HttpRequest) -> HttpResponse:
    """What becomes of series the other calendar does not know (rule 5.5)."""
    try:
        services.refuse_inexpressible(the_user(request), request.POST.get("inexpressible") == "refuse")
    except services.Refused as refused:
        messages.error(request, sentences.explain(refused.code, "").sentence)
    return redirect("profile-sync")


@signed_in
@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    mailbox = _mailbox(request)
    if mailbox is None:
        return redirect("profile-sync")
    try:
        services.accept(mailbox, request.POST.get("plan", ""), the_user(request))
    except services.Refused as refused:
        messages.warning(request, sentences.explain(refused.code, "").sentence)
    return redirect("profile-sync")


@signed_in
@require_POST
def sync_now(request: HttpRequest) -> HttpResponse:
    try:
        services.go_on(the_user(request))
    except services.Refused as refused:
        messages.error(request, sentences.explain(refused.code).sentence)
    else:
        messages.success(request, _("A run is on its way."))
    return redirect("profile-sync")


@signed_in
@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """Stop a run; `sync_now` continues it."""
    services.stop(the_user(request))
    return redirect("profile-sync")
