"""Who calls: a person by his personal access token, or a program by client credentials and what its scopes allow."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import cast
from uuid import UUID

from django.http import HttpRequest
from ninja.security import HttpBearer

from samklang.accounts.models import User
from samklang.accounts.programs import Actor, Program, program_for_token
from samklang.accounts.services import user_for_token
from samklang.web.severa_api.problems import SeveraError

#: Requests a client may send in any such span, and what it is told beyond (Severa facts §1.4).
MOST, SPAN = 10, 1.0
_TOO_MANY = "API calls quota exceeded! maximum admitted 10 per 1s."
_CLIENTS = 1000


class Quota:
    """Counts the requests of each client in the span that ends now. Of one process: a second one counts for itself."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._sent: OrderedDict[UUID, deque[float]] = OrderedDict()

    def take(self, client: UUID) -> bool:
        """Whether another request is admitted; one that is not does not count."""
        with self._lock:
            now = self._now()
            sent = self._sent.setdefault(client, deque(maxlen=MOST))
            self._sent.move_to_end(client)
            if len(self._sent) > _CLIENTS:
                self._sent.popitem(last=False)
            if len(sent) == MOST and now - sent[0] < SPAN:
                return False
            sent.append(now)
            return True


quota = Quota()


class Allowed(HttpBearer):
    """Lets a person in, and a program that has the scope; "" for what needs none."""

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        actor = self._actor(request, token)
        if actor is not None and actor.organization.in_severa:
            raise SeveraError(403, "FeatureIsNotEnabled", "Activities are in Visma Severa: use its own REST API.")
        return actor

    def _actor(self, request: HttpRequest, token: str) -> Actor | None:
        program = program_for_token(token)
        if program is None:
            user = user_for_token(token)
            if user is not None:
                request.user = user
            return user
        if not quota.take(program.client_id):
            raise SeveraError(429, "InvalidOperation", _TOO_MANY)
        if self.scope and self.scope not in program.scopes:
            raise SeveraError(403, "InsufficientApiScope", f"This needs the scope {self.scope}.")
        return program


def administrator(request: HttpRequest, what: str) -> Actor:
    """Who calls, if he may change `what` for everybody: programs, within their scopes, and administrators."""
    who = caller(request)
    if not who.is_administrator:
        raise SeveraError(403, "PermissionDenied", f"Only an administrator may change {what}.")
    return who


def caller(request: HttpRequest) -> Actor:
    return cast("User | Program", request.auth)  # type: ignore[attr-defined]
