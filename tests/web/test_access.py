"""Who may open what: every route there is stands in one table, and everybody tries every one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from samklang.accounts.models import PersonalToken, User
from samklang.accounts.programs import make_client
from samklang.activities.models import Activity, Participant
from samklang.mailboxes.models import Connection, Mailbox
from samklang.web.severa_api.shape import zone_guid
from tests.web.house import SECRETS, House, as_person, as_program, send

pytestmark = pytest.mark.django_db

#: Open to all, to whoever is signed in, to administrators.
ANYBODY, USERS, ADMINISTRATORS = "anybody", "users", "administrators"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_EXCHANGE = "/settings/integrations/microsoft-exchange"
_MICROSOFT = "/settings/integrations/microsoft-sign-in"
_PROGRAMS = "/settings/integrations/rest-api"
_SEVERA = "/settings/integrations/visma-severa"
_SYNC = "/profile/calendar/synchronization"
_API, _REST = "/api", "/rest-api/v1"
_HEARTBEAT = "/rest-api/heartbeat"
_APIS = ("/api", "/rest-api")


@dataclass(frozen=True)
class Route:
    access: str
    #: Names an activity, token … of Alice's, which is nothing to Charlie.
    hers: bool = False
    #: Form fields, query or JSON body of a request that would succeed, made from the house.
    sends: Callable[[House], Any] = field(default=lambda house: None)


def _form(house: House) -> dict[str, Any]:
    return {"id": house.meeting.psa_id, "version": house.meeting.version, "name": "Taken over", "scope": "all"}


def _drag(house: House) -> dict[str, Any]:
    return _form(house) | {"start": "2026-03-05T10:00:00", "end": "2026-03-05T11:00:00"}


def _new_activity(house: House) -> dict[str, Any]:
    type_ = {"guid": str(house.meeting.type.guid)}
    return {
        "name": "x",
        "startDateTime": "2026-03-03T09:00:00Z",
        "activityType": type_,
        "ownerUser": {"guid": house.alice.psa_id},
    }


def _waiting(house: House) -> dict[str, Any]:
    return {"side": "psa", "id": house.meeting.psa_id}


def _pair(house: House) -> dict[str, Any]:
    return {"activity": house.meeting.psa_id, "event": "x"}


def _client_of_alice(house: House) -> dict[str, Any]:
    client, _secret = make_client(house.alice.organization, "Reporting", ["users:read"])
    return {"client": client.pk}


def _bobs_data(house: House) -> dict[str, Any]:
    return {"confirm": house.bob.email}


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/"): Route(ANYBODY),
    ("GET", "/sign-in"): Route(ANYBODY),
    ("POST", "/sign-in"): Route(ANYBODY),
    ("POST", "/sign-out"): Route(ANYBODY),
    ("GET", "/sign-in/microsoft"): Route(ANYBODY),
    ("GET", "/sign-in/microsoft/back"): Route(ANYBODY),
    ("POST", "/profile/microsoft/connect"): Route(USERS),
    ("POST", "/profile/microsoft/disconnect"): Route(USERS),
    ("GET", _MICROSOFT): Route(ADMINISTRATORS),
    ("POST", _MICROSOFT): Route(ADMINISTRATORS),
    ("POST", "/notices/graph"): Route(ANYBODY),
    ("GET", "/invitation/<uidb64>/<token>"): Route(ANYBODY),
    ("POST", "/invitation/<uidb64>/<token>"): Route(ANYBODY),
    ("GET", "/help/user"): Route(USERS),
    ("GET", "/help/administrator"): Route(USERS),
    ("GET", "/help/errors"): Route(USERS),
    ("GET", "/calendar"): Route(USERS),
    ("GET", "/calendar/events"): Route(USERS, sends=lambda _: {"start": "2026-03-01", "end": "2026-04-01"}),
    ("GET", "/calendar/form"): Route(USERS, hers=True, sends=lambda h: {"id": h.meeting.psa_id}),
    ("POST", "/calendar/form"): Route(USERS, hers=True, sends=_form),
    ("POST", "/calendar/move"): Route(USERS, hers=True, sends=_drag),
    ("POST", "/calendar/delete"): Route(USERS, hers=True, sends=_form),
    ("POST", "/calendar/leave"): Route(USERS, hers=True, sends=_form),
    ("POST", "/calendar/person"): Route(
        USERS, hers=True, sends=lambda h: {"id": h.meeting.psa_id, "add": "x@y.example"}
    ),
    ("POST", "/calendar/respond"): Route(
        USERS, hers=True, sends=lambda h: {"id": h.meeting.psa_id, "answer": "Accepted"}
    ),
    ("GET", "/calendar/trash"): Route(USERS),
    ("POST", "/calendar/restore"): Route(USERS, sends=lambda h: {"id": h.meeting.psa_id}),
    ("GET", "/calendar/files"): Route(USERS),
    ("POST", "/calendar/files"): Route(USERS),
    ("GET", "/calendar/export.ics"): Route(USERS),
    ("GET", "/settings"): Route(ADMINISTRATORS),
    ("GET", _SEVERA): Route(ADMINISTRATORS),
    ("POST", _SEVERA): Route(ADMINISTRATORS),
    ("POST", f"{_SEVERA}/test"): Route(ADMINISTRATORS),
    ("POST", f"{_EXCHANGE}/script"): Route(ADMINISTRATORS),
    ("POST", f"{_SEVERA}/switch"): Route(ADMINISTRATORS),
    ("POST", f"{_SEVERA}/people"): Route(ADMINISTRATORS),
    ("POST", f"{_SEVERA}/invite"): Route(ADMINISTRATORS),
    ("GET", _EXCHANGE): Route(ADMINISTRATORS),
    ("POST", _EXCHANGE): Route(ADMINISTRATORS, sends=lambda _: {"part": "version", "version": "2016"}),
    ("POST", f"{_EXCHANGE}/test"): Route(ADMINISTRATORS, sends=lambda _: {"address": "somebody@example.net"}),
    ("POST", f"{_EXCHANGE}/look-up"): Route(
        ADMINISTRATORS, sends=lambda _: {"username": "sync", "auth": "ntlm", "look_up_address": "no address"}
    ),
    ("POST", f"{_EXCHANGE}/switch"): Route(ADMINISTRATORS),
    ("POST", f"{_EXCHANGE}/sync"): Route(ADMINISTRATORS),
    ("POST", f"{_EXCHANGE}/take-over"): Route(ADMINISTRATORS, sends=lambda _: {"user": "somebody@example.net"}),
    ("POST", f"{_EXCHANGE}/grant"): Route(ADMINISTRATORS),
    ("GET", f"{_EXCHANGE}/consent"): Route(ADMINISTRATORS),
    ("POST", f"{_EXCHANGE}/tenant"): Route(ADMINISTRATORS, sends=lambda _: {"tenant": "not a tenant"}),
    ("GET", _PROGRAMS): Route(ADMINISTRATORS),
    ("POST", _PROGRAMS): Route(ADMINISTRATORS, sends=lambda _: {"name": "x", "scopes": ["users:read"]}),
    ("POST", f"{_PROGRAMS}/revoke"): Route(ADMINISTRATORS, hers=True, sends=_client_of_alice),
    ("GET", "/profile"): Route(USERS),
    ("POST", "/profile"): Route(USERS, sends=lambda _: {"language": "sv", "zone": "Europe/London"}),
    ("GET", _SYNC): Route(USERS),
    ("GET", f"{_SYNC}/state"): Route(USERS),
    ("POST", f"{_SYNC}/switch"): Route(USERS),
    ("POST", f"{_SYNC}/accept"): Route(USERS, sends=lambda _: {"plan": "x"}),
    ("POST", f"{_SYNC}/now"): Route(USERS),
    ("POST", f"{_SYNC}/stop"): Route(USERS),
    ("POST", f"{_SYNC}/series"): Route(USERS, sends=lambda _: {"inexpressible": "refuse"}),
    ("POST", f"{_SYNC}/choose"): Route(USERS),
    ("POST", f"{_SYNC}/again"): Route(USERS),
    ("POST", f"{_SYNC}/retry"): Route(USERS, sends=_waiting),
    ("POST", f"{_SYNC}/ignore"): Route(USERS, sends=_waiting),
    ("POST", f"{_SYNC}/near"): Route(USERS, sends=_pair),
    ("GET", f"{_SYNC}/history"): Route(USERS),
    ("POST", f"{_SYNC}/history/<write_id>/restore"): Route(USERS),
    ("POST", f"{_SYNC}/runs/<run_id>/undo"): Route(USERS),
    ("GET", f"{_SYNC}/why"): Route(USERS, sends=lambda house: {"activity": house.meeting.psa_id}),
    ("POST", f"{_SYNC}/why/again"): Route(USERS, sends=_pair),
    ("GET", f"{_SYNC}/leave"): Route(USERS),
    ("POST", f"{_SYNC}/leave"): Route(USERS, sends=lambda _: {"remove": "psa"}),
    ("GET", f"{_SYNC}/export"): Route(USERS),
    ("POST", f"{_SYNC}/erase"): Route(USERS, sends=lambda _: {"confirm": "somebody@example.net"}),
    ("POST", f"{_EXCHANGE}/users/<user_id>/accept"): Route(ADMINISTRATORS, sends=lambda _: {"plan": "x"}),
    ("GET", f"{_API}/openapi.json"): Route(ANYBODY),
    ("GET", f"{_API}/me/history"): Route(USERS),
    ("POST", f"{_API}/me/history/<write_id>/restore"): Route(USERS),
    ("GET", f"{_API}/me/runs"): Route(USERS),
    ("POST", f"{_API}/me/runs/<run_id>/undo"): Route(USERS),
    ("GET", f"{_API}/me/undone"): Route(USERS),
    ("GET", f"{_API}/me/why"): Route(USERS),
    ("POST", f"{_API}/me/why/sync-again"): Route(USERS, sends=_pair),
    ("POST", f"{_API}/me/set-aside/retry"): Route(USERS, sends=_waiting),
    ("POST", f"{_API}/me/set-aside/ignore"): Route(USERS, sends=_waiting),
    ("GET", f"{_API}/me/near-matches"): Route(USERS),
    ("GET", f"{_API}/me/calendar-sync/leaving"): Route(USERS),
    ("GET", f"{_API}/me/export"): Route(USERS),
    ("POST", f"{_API}/me/erase"): Route(USERS, sends=lambda _: {"confirm": "somebody@example.net"}),
    ("POST", f"{_API}/users/<user_id>/erase"): Route(ADMINISTRATORS, hers=True, sends=_bobs_data),
    ("POST", f"{_API}/connection/users/<user_id>/accept"): Route(
        ADMINISTRATORS, hers=True, sends=lambda _: {"plan": "x"}
    ),
    ("GET", f"{_API}/me"): Route(USERS),
    ("GET", f"{_API}/me/calendar-sync"): Route(USERS),
    ("PUT", f"{_API}/me/calendar-sync"): Route(USERS, sends=lambda _: {"on": True}),
    ("GET", f"{_API}/me/calendar-sync/plan"): Route(USERS),
    ("POST", f"{_API}/me/calendar-sync/accept"): Route(USERS, sends=lambda _: {"plan": "x"}),
    ("POST", f"{_API}/me/calendar-sync/run"): Route(USERS),
    ("POST", f"{_API}/me/calendar-sync/stop"): Route(USERS),
    ("PUT", f"{_API}/me/calendar-sync/series"): Route(USERS, sends=lambda _: {"refuse_inexpressible": True}),
    ("GET", f"{_API}/me/calendar-sync/missing"): Route(USERS),
    ("POST", f"{_API}/me/calendar-sync/missing"): Route(USERS, sends=lambda _: {"choice": "remove"}),
    ("GET", f"{_API}/me/calendar-sync/apart"): Route(USERS),
    ("POST", f"{_API}/me/calendar-sync/apart/<id>/again"): Route(USERS),
    ("GET", f"{_API}/me/tokens"): Route(USERS),
    ("POST", f"{_API}/me/tokens"): Route(USERS, sends=lambda _: {"name": "x"}),
    ("DELETE", f"{_API}/me/tokens/<token_id>"): Route(USERS, hers=True),
    ("GET", f"{_API}/connection"): Route(ADMINISTRATORS),
    ("PUT", f"{_API}/connection"): Route(ADMINISTRATORS, sends=lambda _: {"version": "2016"}),
    ("POST", f"{_API}/connection/test"): Route(ADMINISTRATORS, sends=lambda _: {"address": "somebody@example.net"}),
    ("POST", f"{_API}/connection/script"): Route(ADMINISTRATORS, sends=lambda _: {"kind": "group", "scope": "Sales"}),
    ("POST", f"{_API}/connection/look-up"): Route(ADMINISTRATORS, sends=lambda _: {"address": "no address"}),
    ("PUT", f"{_API}/connection/enabled"): Route(ADMINISTRATORS, sends=lambda _: {"enabled": False}),
    ("POST", f"{_API}/connection/run"): Route(ADMINISTRATORS),
    ("POST", f"{_API}/connection/take-over"): Route(ADMINISTRATORS, sends=lambda _: {"user": "somebody@example.net"}),
    ("GET", f"{_API}/connection/users"): Route(ADMINISTRATORS),
    ("GET", f"{_API}/severa"): Route(ADMINISTRATORS),
    ("PUT", f"{_API}/severa"): Route(ADMINISTRATORS, sends=lambda _: {"client_id": "x"}),
    ("POST", f"{_API}/severa/test"): Route(ADMINISTRATORS, sends=lambda _: {"address": "somebody@example.net"}),
    ("PUT", f"{_API}/severa/enabled"): Route(ADMINISTRATORS, sends=lambda _: {"enabled": False}),
    ("GET", f"{_API}/severa/users"): Route(ADMINISTRATORS),
    ("GET", f"{_REST}/openapi.json"): Route(ANYBODY),
    ("GET", f"{_REST}/activities"): Route(USERS),
    ("POST", f"{_REST}/activities"): Route(USERS, sends=_new_activity),
    ("GET", f"{_REST}/activities/<guid>"): Route(USERS, hers=True),
    ("PATCH", f"{_REST}/activities/<guid>"): Route(
        USERS, hers=True, sends=lambda _: [{"op": "replace", "path": "/name", "value": "Taken over"}]
    ),
    ("DELETE", f"{_REST}/activities/<guid>"): Route(USERS, hers=True),
    ("DELETE", f"{_REST}/activities/<guid>/exceptions"): Route(USERS, hers=True),
    ("GET", f"{_REST}/activities/<guid>/activityparticipants"): Route(USERS, hers=True),
    ("POST", f"{_REST}/activityparticipants"): Route(
        USERS, hers=True, sends=lambda h: {"activityGuid": h.meeting.psa_id, "participantGuid": h.charlie.psa_id}
    ),
    ("DELETE", f"{_REST}/activities/<guid>/activityparticipants/<participant>"): Route(USERS, hers=True),
    ("GET", f"{_REST}/activitytypes"): Route(USERS),
    ("PATCH", f"{_REST}/activitytypes/<guid>"): Route(
        ADMINISTRATORS, hers=True, sends=lambda _: [{"op": "replace", "path": "/name", "value": "Taken over"}]
    ),
    ("GET", f"{_REST}/users"): Route(USERS),
    ("GET", f"{_REST}/users/<guid>"): Route(USERS, hers=True),
    ("GET", f"{_REST}/activityparticipants/<guid>"): Route(USERS, hers=True),
    ("PATCH", f"{_REST}/activityparticipants/<guid>"): Route(
        USERS, hers=True, sends=lambda _: [{"op": "replace", "path": "/isConfirmed", "value": "true"}]
    ),
    ("GET", f"{_REST}/activitytypes/<guid>"): Route(USERS, hers=True),
    ("POST", f"{_REST}/activitytypes"): Route(
        ADMINISTRATORS, sends=lambda _: {"name": "Workshop", "category": "CalendarEntry"}
    ),
    ("DELETE", f"{_REST}/activitytypes/<guid>"): Route(ADMINISTRATORS, hers=True),
    ("GET", f"{_REST}/localization/timezones"): Route(USERS),
    ("GET", f"{_REST}/localization/timezones/<guid>"): Route(USERS),
    ("GET", f"{_REST}/organizationdetails"): Route(USERS),
    ("PATCH", f"{_REST}/organizationdetails"): Route(
        ADMINISTRATORS, sends=lambda _: [{"op": "replace", "path": "/name", "value": "Another"}]
    ),
    ("GET", f"{_REST}/organizationsettings"): Route(USERS),
    ("POST", f"{_REST}/login/oauth/access_token"): Route(ANYBODY),
    ("GET", f"{_REST}/login/oauth/authorize"): Route(ANYBODY),  # an administrator's, who is asked for by name there
    ("POST", f"{_REST}/token"): Route(ANYBODY),
    ("POST", f"{_REST}/refreshtoken"): Route(ANYBODY),
    ("POST", f"{_REST}/signout"): Route(ANYBODY),
    ("GET", f"{_HEARTBEAT}/authorized"): Route(USERS),
    ("GET", f"{_HEARTBEAT}/server"): Route(ANYBODY),
    ("GET", f"{_HEARTBEAT}/database"): Route(ANYBODY),
}
#: Ninja mounts a name for the API's root, which answers nobody.
_ROOTS = {f"{_API}/", f"{_REST}/", f"{_HEARTBEAT}/"}


def _patterns(patterns: Iterable[Any], prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        path = prefix + re.sub(r"<\w+:", "<", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path


PATHS = sorted({path for _method, path in ROUTES})


def test_every_route_there_is_stands_in_the_table() -> None:
    every = set(_patterns(get_resolver().url_patterns))
    again = {path.replace("/v1.0/", "/v1/") for path in every if "/v1.0/" in path}
    there = {path for path in every if "/v1.0/" not in path} - _ROOTS
    assert there == set(PATHS)
    assert again - _ROOTS == {path for path in there if path.startswith(_REST)}, "the same under its other spelling"


def address_of(path: str, house: House) -> str:
    path = path.replace("<token_id>", str(house.token_of_alice.guid)).replace("<user_id>", house.bob.psa_id)
    path = path.replace("<write_id>", "1").replace("<run_id>", "1")
    if "exceptions" in path:
        path = path.replace("<guid>", house.series.psa_id)
    if "activitytypes" in path:
        path = path.replace("<guid>", str(house.meeting.type.guid))
    participant = house.meeting.participants.get()
    if "/users/" in path:
        path = path.replace("<guid>", house.bob.psa_id)
    if "/activityparticipants/<guid>" in path:
        path = path.replace("<guid>", str(participant.guid))
    if "timezones" in path:
        path = path.replace("<guid>", zone_guid("Europe/Stockholm"))
    return path.replace("<guid>", house.meeting.psa_id).replace("<participant>", str(participant.guid))


def _try(client: Client, method: str, path: str, house: House) -> HttpResponse:
    route = ROUTES.get((method, path))
    sends = route.sends(house) if route else None
    address = address_of(path, house)
    if path.startswith(_APIS):
        return send(client, method, address, sends)
    return client.generic(method, address) if method not in ("GET", "POST") else _page(client, method, address, sends)


def _page(client: Client, method: str, address: str, sends: Any) -> HttpResponse:
    return client.get(address, sends) if method == "GET" else client.post(address, sends)


def _caller(path: str, user: User | None) -> Client:
    return as_program(user) if user and path.startswith(_APIS) else as_person(user)


def _was_let_in(answer: HttpResponse) -> bool:
    to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in")
    return not to_sign_in and answer.status_code not in (401, 403, 404) and answer.status_code < 500


def _all(routes: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """One after the other, each as if it were the only one."""
    for key in routes:
        with transaction.atomic():
            yield key
            transaction.set_rollback(True)


GUARDED = [key for key, route in ROUTES.items() if route.access != ANYBODY]


def test_a_stranger_is_led_to_sign_in_or_refused(house: House) -> None:
    for method, path in _all(GUARDED):
        answer = _try(as_person(None), method, path, house)
        if path.startswith(_APIS):
            assert answer.status_code == 401, (method, path)
        else:
            assert answer.status_code == 302, (method, path)
            assert answer.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.full
def test_an_administrator_is_let_in_everywhere(house: House) -> None:
    refused = {("POST", "/calendar/leave"): 403}  # the owner does not leave, he deletes
    refused |= {("POST", "/calendar/respond"): 403}  # … and is not asked whether he comes
    refused |= {("POST", f"{_API}/connection/take-over"): 404}  # there is no such user here
    refused |= {("GET", f"{_EXCHANGE}/consent"): 400}  # not begun here
    refused |= {("POST", f"{_API}/connection/users/<user_id>/accept"): 404}  # Bob has no mailbox
    for method, path in _all(ROUTES):
        answer = _try(_caller(path, house.alice), method, path, house)
        if (method, path) in refused:
            assert answer.status_code == refused[method, path], (method, path)
        else:
            assert _was_let_in(answer) or path == "/sign-out", (method, path, answer.status_code)


@pytest.mark.full
def test_a_user_is_let_in_where_no_administrator_is_asked_for(house: House) -> None:
    refused = {key: 403 for key, route in ROUTES.items() if route.access == ADMINISTRATORS}
    refused |= {("POST", "/calendar/delete"): 403, ("DELETE", f"{_REST}/activities/<guid>"): 403}  # the owner's alone
    refused |= {("DELETE", f"{_REST}/activities/<guid>/exceptions"): 403}  # he takes no part in the series
    refused |= {("DELETE", f"{_API}/me/tokens/<token_id>"): 404}  # hers, not his
    for method, path in _all(GUARDED):
        answer = _try(_caller(path, house.bob), method, path, house)
        if (method, path) in refused:
            assert answer.status_code == refused[method, path], (method, path)
        else:
            assert _was_let_in(answer), (method, path, answer.status_code)


def test_somebody_of_another_organization_sees_and_changes_nothing_of_ours(house: House) -> None:
    for method, path in _all(ROUTES):
        before = _ours(house)
        answer = _try(_caller(path, house.charlie), method, path, house)
        if ROUTES[method, path].hers:
            assert answer.status_code == 404, (method, path)
        elif (method, path) == ("POST", f"{_REST}/activities"):
            assert answer.status_code == 400  # there is no such type, no such user
        assert answer.status_code < 500, (method, path)
        text = b"".join(answer) if answer.streaming else answer.content
        assert not [secret for secret in SECRETS if secret.encode() in text], (method, path)
        assert house.meeting.psa_id.encode() not in text, (method, path)
        assert _ours(house) == before, (method, path)


def _ours(house: House) -> dict[str, Any]:
    company = house.them.company
    return {
        "activities": list(Activity.objects.of(company).order_by("pk").values()),
        "participants": list(Participant.objects.filter(activity__organization=company).order_by("pk").values()),
        "connection": list(Connection.objects.filter(organization=company).values()),
        "mailboxes": list(Mailbox.objects.filter(user__organization=company).values()),
        "users": list(User.objects.of(company).order_by("pk").values("email", "name", "role", "is_active")),
        "tokens": list(PersonalToken.objects.filter(user__organization=company).order_by("pk").values()),
    }


def test_a_method_that_is_not_in_the_table_is_refused(house: House) -> None:
    for path in PATHS:
        if path in ("/", f"{_API}/openapi.json", f"{_REST}/openapi.json"):
            continue  # the same for every method, and tell nothing
        client = _caller(path, house.alice)
        for method in METHODS:
            if (method, path) not in ROUTES:
                assert _try(client, method, path, house).status_code == 405, (method, path)


def test_a_token_of_somebody_inactive_or_revoked_lets_nobody_in(house: House) -> None:
    client = as_program(house.bob)
    assert send(client, "GET", f"{_API}/me").status_code == 200
    house.bob.is_active = False
    house.bob.save()
    assert send(client, "GET", f"{_API}/me").status_code == 401
    assert send(client, "GET", f"{_REST}/users").status_code == 401


def test_a_revoked_token_is_gone_at_once(house: House) -> None:
    client = as_program(house.bob)
    (token,) = send(client, "GET", f"{_API}/me/tokens").json()
    assert send(client, "DELETE", f"{_API}/me/tokens/{token['id']}").status_code == 204
    assert send(client, "GET", f"{_API}/me/tokens").status_code == 401
