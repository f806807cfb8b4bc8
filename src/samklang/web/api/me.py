"""`/api/me/…`: oneself and one's own switch. Nobody can switch for another (rule 1.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status

from samklang import wiring
from samklang.accounts.models import PersonalToken, User
from samklang.accounts.services import make_token, revoke_token
from samklang.acts import leaving
from samklang.clock import now
from samklang.engine.model import Side
from samklang.mailboxes import errands, services
from samklang.mailboxes.models import Mailbox
from samklang.mailboxes.status import status as status_of
from samklang.web.api import Problem, api

router = Router(tags=["me"])
_SWITCH = "/calendar-sync"


class Me(Schema):
    id: str
    email: str
    name: str
    role: str
    zone: str
    language: str


class Switch(Schema):
    on: bool
    #: Start the first run without a preview (rule 3.5).
    accept: bool = False
    #: Switching off: sides ("psa", "exchange") on which what the sync made is removed (rule 12.1).
    remove: list[Side] | None = None


class SeriesChoice(Schema):
    #: A series the other side cannot express is refused; else it comes as single entries (rule 5.5).
    refuse_inexpressible: bool


class Accept(Schema):
    plan: str


class NewToken(Schema):
    name: str


class TokenShown(Schema):
    id: str
    name: str
    made_by: str
    created: datetime
    last_used: datetime | None


@router.get("", response=Me)
def me(request: HttpRequest) -> dict[str, Any]:
    user = user_of(request)
    return {
        "id": user.psa_id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "zone": user.zone,
        "language": user.language,
    }


@router.get(_SWITCH, response=dict[str, Any])
def get_switch(request: HttpRequest) -> dict[str, Any]:
    mailbox = Mailbox.objects.filter(user=user_of(request)).select_related("user", "connection").first()
    return status_of(mailbox) if mailbox else {"on": False}


@router.put(_SWITCH, response={200: dict[str, Any], 202: dict[str, Any]})
def put_switch(request: HttpRequest, body: Switch) -> Status[dict[str, Any]]:
    """Switch one's own sync on or off. On for the first time answers 202 with the plan to accept."""
    user = user_of(request)
    if not body.on and body.remove:
        errands.ask_leave(mailbox_of(request), body.remove, user)
        return Status(202, {"state": "leaving"})
    if not body.on:
        services.switch_off(user, now())
        return Status(200, {"state": "off"})
    mailbox = services.switch_on(user, now(), unseen=body.accept)
    if mailbox.first_run_done or mailbox.started_on:
        return Status(200, {"state": "on"})
    if body.accept:
        return Status(202, {"state": "started"})
    shown = wiring.preview_mailbox(mailbox.pk)
    return Status(202, {"state": "awaiting_acceptance", "plan": shown["plan"], "counts": shown["counts"]})


@router.put(_SWITCH + "/series", response=dict[str, Any])
def put_series(request: HttpRequest, body: SeriesChoice) -> dict[str, Any]:
    """Choose what becomes of one's own series the other calendar does not know (rule 5.5)."""
    services.refuse_inexpressible(user_of(request), body.refuse_inexpressible)
    return {"refuse_inexpressible": body.refuse_inexpressible}


@router.get(_SWITCH + "/plan", response=dict[str, Any])
def get_plan(request: HttpRequest) -> dict[str, Any]:
    """What the next run would do, entry by entry."""
    return wiring.preview_mailbox(mailbox_of(request).pk)


@router.get(_SWITCH + "/leaving", response=list[dict[str, Any]])
def get_leaving(request: HttpRequest, remove: str) -> list[dict[str, Any]]:
    """What switching off would remove on these sides ("psa,exchange"), and what would stay and why."""
    return leaving.preview(mailbox_of(request), sides_of(remove.split(",")))


@router.post(_SWITCH + "/accept", response={202: dict[str, Any]})
def post_accept(request: HttpRequest, body: Accept) -> Status[dict[str, Any]]:
    """Accept exactly this plan; 409 with the new plan if anything changed since it was made."""
    mailbox = mailbox_of(request)
    shown = wiring.preview_mailbox(mailbox.pk)
    if shown["plan"] != body.plan:
        raise Problem(409, "plan_outdated", plan=shown["plan"], counts=shown["counts"])
    services.accept(mailbox, body.plan, user_of(request))
    return Status(202, {"state": "started"})


@router.post(_SWITCH + "/run", response={202: dict[str, Any]})
def post_run(request: HttpRequest) -> Status[dict[str, Any]]:
    """Sync now (rule 9.3); a stopped run continues."""
    services.go_on(user_of(request))
    return Status(202, {"state": "queued"})


@router.post(_SWITCH + "/stop", response={202: dict[str, Any]})
def post_stop(request: HttpRequest) -> Status[dict[str, Any]]:
    """Stop the run under way; what it has done stays, `run` continues it."""
    services.stop(user_of(request))
    return Status(202, {"state": "stopped"})


@router.get("/tokens", response=list[TokenShown])
def tokens(request: HttpRequest) -> list[dict[str, Any]]:
    """One's own personal access tokens, those an operator made included."""
    return [_shown(t) for t in PersonalToken.objects.visible_to(user_of(request)).filter(revoked__isnull=True)]


@router.post("/tokens", response={201: dict[str, Any]})
def post_token(request: HttpRequest, body: NewToken) -> Status[dict[str, Any]]:
    """A new token of one's own; its secret is in this answer only."""
    token, secret = make_token(user_of(request), body.name, made_by=PersonalToken.Maker.SELF)
    return Status(201, {**_shown(token), "token": secret})


@router.delete("/tokens/{token_id}", response={204: None})
def delete_token(request: HttpRequest, token_id: str) -> Status[None]:
    mine = PersonalToken.objects.visible_to(user_of(request))
    token = next((t for t in mine if str(t.guid) == token_id), None)
    if token is None:
        raise Problem(404, "not_found")
    revoke_token(token, by=user_of(request))
    return Status(204, None)


def _shown(token: PersonalToken) -> dict[str, Any]:
    return {
        "id": str(token.guid),
        "name": token.name,
        "made_by": token.made_by,
        "created": token.created,
        "last_used": token.last_used,
    }


def sides_of(words: Iterable[str]) -> list[Side]:
    """Raises Problem (422) for what is no side."""
    try:
        return [Side(word) for word in words]
    except ValueError:
        raise Problem(422, "invalid", "A side is psa or exchange.") from None


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def administrator(request: HttpRequest, otherwise: str) -> User:
    """Who calls, if he is an administrator. Raises Problem with this sentence."""
    user = user_of(request)
    if not user.is_administrator:
        raise Problem(403, "administrators_only", otherwise)
    return user


def mailbox_of(request: HttpRequest) -> Mailbox:
    mailbox = Mailbox.objects.filter(user=user_of(request), on=True).first()
    if mailbox is None:
        raise Problem(409, "switched_off", "Switch calendar synchronization on first.")
    return mailbox


api.add_router("/me", router)
