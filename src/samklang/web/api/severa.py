"""`/api/severa`: the organization's arrangement with its Severa, for its administrators only (rules 1.1, 13.6)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from samklang.accounts.models import User
from samklang.clock import now
from samklang.mailboxes import access
from samklang.severa import roster, services
from samklang.severa.models import Arrangement
from samklang.web.api import api
from samklang.web.api.connection import Enabled, Test
from samklang.web.api.me import administrator

router = Router(tags=["severa"])


class SeveraSettings(Schema):
    """Only what is given is changed; the client secret is never given back."""

    url: str | None = None
    client_id: str | None = None
    secret: str | None = None
    #: Ids of the activity types that go out to Microsoft.
    types: list[str] | None = None
    #: Severa's own calendar sync and its mails of new activities are off (rule 13.6).
    confirmed: bool | None = None


class ActivityType(Schema):
    id: str
    name: str
    ticked: bool


class Shown(Schema):
    """The settings without secrets."""

    #: Activities are kept in Severa.
    on: bool
    url: str
    client_id: str
    #: "set" or "not set".
    secret: str
    #: The organization's name in Severa.
    organization: str
    #: The settings passed a test as they are saved.
    tested: bool
    confirmed: bool
    scopes: list[str]
    #: Those there are in Severa, as last read; project tasks are not synced.
    activity_types: list[ActivityType]


class Person(Schema):
    """A user of Severa's: who he is here, and what needs attention."""

    id: str
    name: str
    email: str
    has_account: bool
    syncs: bool
    #: Severa mails him of new activities.
    is_mailed: bool
    #: Code of what keeps him from being matched, or "".
    problem: str


@router.get("", response=Shown)
def get_severa(request: HttpRequest) -> dict[str, Any]:
    """The settings without secrets, and Severa's activity types as last read."""
    return _shown(_arrangement(request))


@router.put("", response=Shown)
def put_severa(request: HttpRequest, body: SeveraSettings) -> dict[str, Any]:
    arrangement, who = _arrangement(request), _administrator(request)
    named = body.dict(include={"url", "client_id", "secret"}, exclude_none=True)
    if named:
        services.save(arrangement, named, who)
    if body.types is not None:
        services.set_ticks(arrangement, body.types, who)
    if body.confirmed is not None:
        services.confirm(arrangement, body.confirmed, who, now())
    return _shown(arrangement)


@router.post("/test", response=dict[str, Any])
def post_severa_test(request: HttpRequest, body: Test) -> dict[str, Any]:
    """Every step by name, up to the first that fails."""
    who = _administrator(request)
    steps = services.test(_arrangement(request), body.address or who.email, who)
    return access.report(steps)


@router.put("/enabled", response=Shown)
def put_severa_enabled(request: HttpRequest, body: Enabled) -> dict[str, Any]:
    """Keep the activities in Severa from now on, or in the built-in calendar again."""
    arrangement, who = _arrangement(request), _administrator(request)
    if body.enabled != arrangement.organization.in_severa:
        (services.switch_on if body.enabled else services.switch_off)(arrangement, who)
    return _shown(arrangement)


@router.get("/users", response=list[Person])
def get_severa_users(request: HttpRequest) -> list[roster.Row]:
    """Severa's active users, as last read: who has an account here, who syncs, and whom Severa mails."""
    return roster.rows(_arrangement(request))


def _shown(arrangement: Arrangement) -> dict[str, Any]:
    return services.shown(arrangement) | {"activity_types": roster.known_types(arrangement)}


def _administrator(request: HttpRequest) -> User:
    return administrator(request, "Only an administrator may see or change the arrangement with Severa.")


def _arrangement(request: HttpRequest) -> Arrangement:
    return services.arrangement_of(_administrator(request).organization)


api.add_router("/severa", router)
