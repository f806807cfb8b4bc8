"""`/api/me/calendar-sync/missing` and `…/apart`: a user's choices about single entries of his own (rules 4.9, 8.5)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status

from samklang.accounts.models import User
from samklang.clock import now
from samklang.mailboxes import choices
from samklang.mailboxes.models import Mailbox
from samklang.web.api import Problem, api

router = Router(tags=["me"])


class Choice(Schema):
    choice: Literal["remove", "put_back"]
    #: One entry by its id in the list; all that are not chosen yet otherwise.
    id: str | None = None


@router.get("/missing", response=list[dict[str, Any]])
def missing(request: HttpRequest) -> list[dict[str, Any]]:
    """Linked entries that were missing on one side after the calendars were read anew."""
    return [asdict(one) for one in choices.missing(_mailbox(request))]


@router.post("/missing", response={202: dict[str, Any]})
def post_missing(request: HttpRequest, body: Choice) -> Status[dict[str, Any]]:
    """Remove what is left, or put back what is missing."""
    mailbox = _mailbox(request)
    chosen = choices.choose(mailbox, body.choice, now(), mailbox.user, id=body.id)
    return Status(202, {"state": "queued", "entries": chosen})


@router.get("/apart", response=list[dict[str, Any]])
def apart(request: HttpRequest) -> list[dict[str, Any]]:
    """Entries that are kept apart from the other calendar, and by which rule."""
    return [asdict(one) for one in choices.apart(_mailbox(request))]


@router.post("/apart/{id}/again", response={202: dict[str, Any]})
def post_again(request: HttpRequest, id: str) -> Status[dict[str, Any]]:
    """Sync this entry again."""
    mailbox = _mailbox(request)
    choices.sync_again(mailbox, id, mailbox.user)
    return Status(202, {"state": "queued"})


def _mailbox(request: HttpRequest) -> Mailbox:
    assert isinstance(request.user, User)
    mailbox = Mailbox.objects.filter(user=request.user, on=True).select_related("user__organization").first()
    if mailbox is None:
        raise Problem(409, "switched_off", "Switch calendar synchronization on first.")
    return mailbox


api.add_router("/me/calendar-sync", router)
