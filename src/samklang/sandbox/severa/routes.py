"""Which path leads to which operation, the scope it takes, and the schema of its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from samklang.sandbox.severa import tokens
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


_TOKEN = "PublicAuthenticationOutputModel"
ROUTES = (
    _route("GET", "/heartbeat/server", "heartbeat.server", _alive, OPEN),
    _route("GET", "/heartbeat/database", "heartbeat.database", _alive, OPEN),
    _route("GET", "/heartbeat/authorized", "heartbeat.authorized", _authorized, SIGNED_IN),
    _route("POST", "/v1/token", "token.create", tokens.create, OPEN, _TOKEN),
    _route("POST", "/v1/refreshtoken", "token.refresh", tokens.refresh, OPEN, _TOKEN),
    _route("POST", "/v1/signout", "token.signout", tokens.sign_out, OPEN),
    _route("POST", "/v1/login/oauth/access_token", "token.oauth", tokens.oauth, OPEN, _TOKEN),
)


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation of a path, and the parts of it. None: there is no such resource."""
    for route in ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found is not None:
            return route, found.groupdict()
    return None
