"""`/api/me/…`: one's own history, what can be put back, and why an entry is or is not synced (rules 10.1, 11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from samklang.acts.looking import shown
from samklang.acts.restoring import restore_write
from samklang.acts.why import why
from samklang.mailboxes import errands, history, waiting
from samklang.mailboxes.models import Mailbox
from samklang.web.api import Problem, api
from samklang.web.api.me import user_of

router = Router(tags=["history"])
_MOST = 200


class EntryAside(Schema):
    side: str
    id: str


class Mark(Schema):
    activity: str = ""
    event: str = ""


@router.get("/history", response=list[dict[str, Any]])
def get_history(
    request: HttpRequest,
    activity: str = "",
    run: int | None = None,
    before: datetime | None = None,
    limit: int = Query(50, ge=1, le=_MOST),
) -> list[dict[str, Any]]:
    """Writes of one's own synchronization, the latest first; with `activity`, every write to that one."""
    rows = history.rows_of(_mailbox(request))
    if activity:
        rows = rows.filter(psa_id=activity)
    if run is not None:
        rows = rows.filter(run_id=run)
    if before is not None:
        rows = rows.filter(at__lt=before)
    return shown(user_of(request), list(rows.select_related("mailbox")[:limit]))


@router.post("/history/{write_id}/restore", response={202: dict[str, Any]})
def post_restore(request: HttpRequest, write_id: int) -> Status[dict[str, Any]]:
    """Put back what this write went over; the next run carries it to Exchange."""
    restore_write(_mailbox(request), write_id, user_of(request))
    return Status(202, {"state": "restored"})


@router.get("/runs", response=list[dict[str, Any]])
def get_runs(request: HttpRequest, limit: int = Query(50, ge=1, le=_MOST)) -> list[dict[str, Any]]:
    """Runs that wrote something, the latest first."""
    return history.runs_of(_mailbox(request), limit)


@router.post("/runs/{run_id}/undo", response={202: dict[str, Any]})
def post_undo(request: HttpRequest, run_id: int) -> Status[dict[str, Any]]:
    """Undo a run of one's own where nobody edited the entries since; the next run does it."""
    errands.ask_undo(_mailbox(request), run_id, user_of(request))
    return Status(202, {"state": "queued"})


@router.get("/undone", response=dict[str, Any])
def get_undone(request: HttpRequest) -> dict[str, Any]:
    """What the last undo, or the last removal when leaving, left as it was, and why."""
    return dict(errands.result(_mailbox(request)))


@router.get("/why", response=dict[str, Any])
def get_why(request: HttpRequest, activity: str = "", event: str = "") -> dict[str, Any]:
    """Why this activity, or this event of one's own mailbox, is or is not synced."""
    if bool(activity) is bool(event):
        raise Problem(422, "invalid", "Give either an activity or an event.")
    return why(user_of(request), activity_id=activity, item_id=event).as_json()


@router.post("/why/sync-again", response={202: dict[str, Any]})
def post_sync_again(request: HttpRequest, body: Mark) -> Status[dict[str, Any]]:
    """End the mark that keeps an entry apart."""
    waiting.sync_again(_mailbox(request), psa_id=body.activity, item_id=body.event)
    return Status(202, {"state": "queued"})


@router.post("/set-aside/retry", response={202: dict[str, Any]})
def post_retry(request: HttpRequest, body: EntryAside) -> Status[dict[str, Any]]:
    """Try a set-aside entry again with the next run, which is due now."""
    waiting.retry(_mailbox(request), body.side, body.id)
    return Status(202, {"state": "queued"})


@router.post("/set-aside/ignore", response={200: dict[str, Any]})
def post_ignore(request: HttpRequest, body: EntryAside) -> Status[dict[str, Any]]:
    """Hear no more of a set-aside entry until it changes."""
    waiting.ignore(_mailbox(request), body.side, body.id)
    return Status(200, {"state": "ignored"})


@router.get("/near-matches", response=list[dict[str, Any]])
def get_near_matches(request: HttpRequest) -> list[dict[str, Any]]:
    """Pairs alike but for one field when they were first seen: shown, not joined (rule 3.1)."""
    return list(waiting.near_matches(_mailbox(request)))


def _mailbox(request: HttpRequest) -> Mailbox:
    """One's own, switched on or off."""
    mailbox = Mailbox.objects.filter(user=user_of(request)).select_related("user__organization", "connection").first()
    if mailbox is None:
        raise Problem(409, "switched_off", "Switch calendar synchronization on first.")
    return mailbox


api.add_router("/me", router)
