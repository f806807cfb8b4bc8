"""`/api/connection`: the organization's connection, for its administrators only (rule 1.1)."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status

from samklang import wiring
from samklang.accounts.models import User
from samklang.mailboxes import access, assistant, finding, looking_up, push, scripts, services
from samklang.mailboxes.messages import explain
from samklang.mailboxes.models import Connection
from samklang.mailboxes.script_words import NOTES
from samklang.mailboxes.status import counted
from samklang.web.api import Problem, api
from samklang.web.api.me import administrator

router = Router(tags=["connection"])


class Settings(Schema):
    """Only what is given is changed; passwords are never given back."""

    version: Literal["office365", "2007", "2010", "2013", "2016", "2019", "se"] | None = None
    domain: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = None
    auth: Literal["ntlm", "basic"] | None = None
    ca_certificate: str | None = None
    #: http://host:port or https://host:port of the proxy that leads to an Exchange Server; "" for none.
    proxy: str | None = None
    proxy_username: str | None = None
    proxy_password: str | None = None
    conflict: Literal["newest", "psa", "exchange"] | None = None
    mode: Literal["on_use", "continuous"] | None = None
    show_private: bool | None = None


class Test(Schema):
    #: The user's address to try; the organization's first user otherwise.
    address: str | None = None


class LookUp(Schema):
    """By Autodiscover, with the account and proxy saved."""

    #: An e-mail address of the organization; your own otherwise.
    address: str | None = None
    #: Hosts outside the address's domain where the delegate account may sign in, as `foreign` of an answer named them.
    trust: list[str] | None = None


class ScriptOrder(Schema):
    """A script for the version and account saved; `scope`: the group, unit or filter."""

    kind: Literal["everybody", "group", "ou", "filter", "unit"] = "everybody"
    scope: str = ""
    name: str = "Samklang"
    full_access: bool = False
    #: A user whom the check tries.
    mailbox: str = ""


class TakeOver(Schema):
    #: E-mail of the administrator's own colleague whose mailbox it is.
    user: str


class Accept(Schema):
    plan: str


class Enabled(Schema):
    enabled: bool


@router.get("", response=dict[str, Any])
def get_connection(request: HttpRequest) -> dict[str, Any]:
    """The settings without secrets, and how mailboxes are kept up to date: numbers and codes."""
    connection = _connection(request)
    return services.shown(connection) | {"rhythm": push.state(connection)}


@router.put("", response=dict[str, Any])
def put_connection(request: HttpRequest, body: Settings) -> dict[str, Any]:
    connection = _connection(request)
    services.save_connection(connection, body.dict(exclude_none=True), _administrator(request))
    return services.shown(connection)


@router.post("/test", response=dict[str, Any])
def post_test(request: HttpRequest, body: Test) -> dict[str, Any]:
    """Every step by name, up to the first that fails."""
    steps = wiring.test_connection(_connection(request), body.address, by=_administrator(request))
    return access.report(steps)


@router.post("/look-up", response=dict[str, Any])
def post_look_up(request: HttpRequest, body: LookUp) -> dict[str, Any]:
    """Search the Exchange URL: `url`, or why there is none, and each step. Saves nothing."""
    by = _administrator(request)
    found = looking_up.look_up(_connection(request), body.address or by.email, by=by, trusted=body.trust or ())
    return found.as_json()


@router.post("/script", response=dict[str, Any])
def post_script(request: HttpRequest, body: ScriptOrder) -> dict[str, Any]:
    """The PowerShell that gives the delegate account its right, or limits the application; saves nothing."""
    scope = scripts.Scope(scripts.Kind(body.kind), body.scope)
    order = scripts.Order(scope=scope, name=body.name, full_access=body.full_access, mailbox=body.mailbox)
    try:
        script = assistant.script_for(_connection(request), order)
    except scripts.ScriptRefused as refused:
        raise Problem(422, refused.code, " ".join(explain(refused.code)), field=refused.field) from None
    parts = {"grant": script.grant, "check": script.check, "undo": script.undo}
    return parts | {"notes": [_(NOTES[note]) for note in script.notes]}


@router.put("/enabled", response=dict[str, Any])
def put_enabled(request: HttpRequest, body: Enabled) -> dict[str, Any]:
    connection = _connection(request)
    if body.enabled:
        services.enable(connection, _administrator(request))
    else:
        services.disable(connection, _administrator(request))
    return services.shown(connection)


@router.post("/run", response={202: dict[str, Any]})
def post_run(request: HttpRequest) -> Status[dict[str, Any]]:
    """Sync now, for everybody who switched on (rule 9.3)."""
    started = services.sync_everybody(_connection(request), _administrator(request))
    return Status(202, {"state": "queued", "mailboxes": started})


@router.get("/users", response=list[dict[str, Any]])
def users(request: HttpRequest) -> list[dict[str, Any]]:
    """Who matched which mailbox and what needs attention: counts and codes, no titles, no texts."""
    rows = _connection(request).mailboxes.select_related("user", "connection").order_by("user__email")
    return [counted(mailbox) for mailbox in rows]


@router.post("/take-over", response={202: dict[str, Any]})
def post_take_over(request: HttpRequest, body: TakeOver) -> Status[dict[str, Any]]:
    """Take a user's mailbox over from another organization (rule 1.3): named in both histories."""
    mailboxes = _connection(request).mailboxes.select_related("user__organization", "connection")
    mailbox = mailboxes.filter(user__email__iexact=body.user).first()
    if mailbox is None:
        raise Problem(404, "not_found")
    finding.take_over(mailbox, _administrator(request))
    return Status(202, {"state": "queued"})


@router.post("/users/{user_id}/accept", response={202: dict[str, Any]})
def post_accept(request: HttpRequest, user_id: UUID, body: Accept) -> Status[dict[str, Any]]:
    """Let exactly this braked plan go on (rule 8.3). A first run is accepted by its user alone."""
    mailbox = _connection(request).mailboxes.filter(user__guid=user_id).select_related("user__organization").first()
    if mailbox is None:
        raise Problem(404, "not_found")
    services.accept(mailbox, body.plan, _administrator(request))
    return Status(202, {"state": "started"})


def _administrator(request: HttpRequest) -> User:
    return administrator(request, "Only an administrator may see or change the connection.")


def _connection(request: HttpRequest) -> Connection:
    return services.connection_of(_administrator(request).organization)


api.add_router("/connection", router)
