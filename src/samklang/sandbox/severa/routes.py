"""Which path leads to which operation, the scope it takes, and the schema of its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from samklang.sandbox.severa import activities, directory, listing, participants, tokens
from samklang.sandbox.severa.call import Answer, Call
from samklang.sandbox.severa.service import Severa

Handler = Callable[[Severa, Call, Mapping[str, str]], Answer]

OPEN, SIGNED_IN = "", "*"  # without a token; with any token


class Route(NamedTuple):
    """`scope`: the one that is needed, or OPEN or SIGNED_IN. `answers`: a schema of the document, [] for a list."""

    method: str
    pattern: re.Pattern[str]
    operation: str
    handler: Handler
    scope: str
    answers: str = ""


def _route(method: str, path: str, operation: str, handler: Handler, scope: str, answers: str = "") -> Route:
    # Both spellings of the version answer (Severa facts §1.1).
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path.replace("/v1/", r"/v1(?:\.0)?/"))
    return Route(method, re.compile(pattern + "/?", re.IGNORECASE), operation, handler, scope, answers)


def _alive(severa: Severa, call: Call, parts: Mapping[str, str]) -> Answer:
    return Answer(200, "Server is alive.")


def _authorized(severa: Severa, call: Call, parts: Mapping[str, str]) -> Answer:
    return Answer(204)


_READ, _WRITE, _DELETE = "activities:read", "activities:write", "activities:delete"
_SETTINGS, _CUSTOMERS = "settings:read", "customers:read"
_ACTIVITY, _PARTICIPANT, _TYPE, _USER = (
    *("ActivityModel", "ActivityParticipantModel"),
    *("ActivityTypeModel", "UserOutputModel"),
)
_TOKEN = "PublicAuthenticationOutputModel"
ROUTES = (
    _route("GET", "/heartbeat/server", "heartbeat.server", _alive, OPEN),
    _route("GET", "/heartbeat/database", "heartbeat.database", _alive, OPEN),
    _route("GET", "/heartbeat/authorized", "heartbeat.authorized", _authorized, SIGNED_IN),
    _route("POST", "/v1/token", "token.create", tokens.create, OPEN, _TOKEN),
    _route("POST", "/v1/refreshtoken", "token.refresh", tokens.refresh, OPEN, _TOKEN),
    _route("POST", "/v1/signout", "token.signout", tokens.sign_out, OPEN),
    _route("POST", "/v1/login/oauth/access_token", "token.oauth", tokens.oauth, OPEN, _TOKEN),
    _route("GET", "/v1/activities", "activities.list", listing.activities, _READ, f"{_ACTIVITY}[]"),
    _route("POST", "/v1/activities", "activities.create", activities.create, _WRITE, _ACTIVITY),
    _route("GET", "/v1/activities/{guid}", "activities.get", activities.get, _READ, _ACTIVITY),
    _route("PATCH", "/v1/activities/{guid}", "activities.update", activities.update, _WRITE, f"{_ACTIVITY}[]"),
    _route("DELETE", "/v1/activities/{guid}", "activities.delete", activities.delete, _DELETE),
    _route("DELETE", "/v1/activities/{guid}/exceptions", "activities.reset", activities.reset_exceptions, _DELETE),
    _route(
        "GET",
        "/v1/activities/{activity}/activityparticipants",
        "participants.list",
        participants.of_activity,
        _READ,
        f"{_PARTICIPANT}[]",
    ),
    _route(
        "DELETE",
        "/v1/activities/{activity}/activityparticipants/{guid}",
        "participants.delete",
        participants.remove,
        _DELETE,
    ),
    _route("POST", "/v1/activityparticipants", "participants.create", participants.add, _WRITE, _PARTICIPANT),
    _route("GET", "/v1/activityparticipants/{guid}", "participants.get", participants.get, _READ, _PARTICIPANT),
    _route(
        "PATCH",
        "/v1/activityparticipants/{guid}",
        "participants.update",
        participants.update,
        _WRITE,
        f"{_PARTICIPANT}[]",
    ),
    _route("GET", "/v1/activitytypes", "types.list", directory.activity_types, _SETTINGS, f"{_TYPE}[]"),
    _route("GET", "/v1/activitytypes/{guid}", "types.get", directory.activity_type, _SETTINGS, _TYPE),
    _route("GET", "/v1/users", "users.list", directory.users, "users:read", f"{_USER}[]"),
    _route("GET", "/v1/users/{guid}", "users.get", directory.user, "users:read", _USER),
    _route("GET", "/v1/contactpersons", "contacts.list", directory.contacts, _CUSTOMERS, "ContactModel[]"),
    _route("GET", "/v1/contactpersons/{guid}", "contacts.get", directory.contact, _CUSTOMERS, "ContactModel"),
    _route("GET", "/v1/localization/timezones", "zones.list", directory.time_zones, _SETTINGS, "TimezoneModel[]"),
    _route("GET", "/v1/localization/timezones/{guid}", "zones.get", directory.time_zone, _SETTINGS, "TimezoneModel"),
    _route(
        "GET",
        "/v1/projecttaskstatuses",
        "statuses.list",
        directory.task_statuses,
        _SETTINGS,
        "ProjectTaskStatusModel[]",
    ),
    _route(
        "GET",
        "/v1/organizationdetails",
        "organization.get",
        directory.organization,
        "organization:read",
        "OrganizationDetailsOutputModel",
    ),
)


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation of a path, and the parts of it. None: there is no such resource."""
    for route in ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found is not None:
            return route, found.groupdict()
    return None
