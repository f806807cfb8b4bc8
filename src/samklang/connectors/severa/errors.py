"""What Severa's refusals mean to a run (Severa facts §1.5). Only types and names of fields are kept, never messages:
those may quote what was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
import requests

from samklang.connectors import http
from samklang.connectors.meaning import Meaning, each
from samklang.sync.errors import (
    ConnectionRefused,
    ItemError,
    NotFound,
    ProtocolError,
    SyncError,
    Throttled,
    Unavailable,
)

#: Seconds to wait when a throttled answer does not say how long (Severa facts §1.4: the span is one second).
DEFAULT_WAIT = 1.0
#: Code of ConnectionRefused for a token that is not believed, though it was just given.
TOKEN_REFUSED = "severa_token_refused"  # noqa: S105

#: Types of error; most speak of the organization or of our credentials, whatever was asked for.
CODES: Mapping[str, Meaning] = {
    "AuthenticationRequired": Meaning(ConnectionRefused, TOKEN_REFUSED),
    "InsufficientApiScope": Meaning(ConnectionRefused, "severa_scope_missing"),
    **each(
        ConnectionRefused,
        "severa_addon_missing",
        "AddonMissing",
        "AddonMissingTermsOfServiceApproval",
        "FeatureIsNotEnabled",
        "NotAvailableInTrial",
        "ExcludedFromTrial",
    ),
    **each(
        ConnectionRefused, "severa_not_active", "TermsOfServiceNotApproved", "OrganizationNotActive", "TrialExpired"
    ),
    "PermissionDenied": Meaning(ItemError, "not_allowed"),
}
#: Where the type says nothing.
STATUSES: Mapping[int, Meaning] = {
    401: Meaning(ConnectionRefused, TOKEN_REFUSED),
    404: Meaning(NotFound),
    429: Meaning(Throttled),
    500: Meaning(Unavailable, "server_error"),
    503: Meaning(Unavailable),
}
#: Any other type with another status.
OTHER = Meaning(ItemError)
_PLAIN = re.compile(r"[\w.\-/\[\]]{1,60}")


class _Location(msgspec.Struct):
    name: str | None = None


class _Detail(msgspec.Struct):
    location: _Location | None = None


class _Error(msgspec.Struct):
    type: str | None = None
    details: list[_Detail] | None = None


class _Body(msgspec.Struct):
    error: _Error | None = None


def content(response: requests.Response) -> bytes:
    """The JSON of a good answer. Raises ProtocolError for anything else (rule 10.5)."""
    if response.content and "json" not in response.headers.get("Content-Type", ""):
        raise ProtocolError("malformed_answer", f"{response.status_code} is not JSON", step=_step(response))
    return response.content


def _wait(response: requests.Response) -> float:
    asked = http.retry_after(response)
    return DEFAULT_WAIT if asked is None else asked


def error_of(response: requests.Response) -> SyncError:
    """The error an answer means to a run: for the item or for the connection."""
    status, error = response.status_code, _parsed(response)
    kind = _plain(error.type) if error else ""
    detail = " ".join(filter(None, [str(status), kind, *_names(error)]))
    if status == 429 or (status >= 500 and "Retry-After" in response.headers):
        return Throttled(_wait(response), detail)
    if status >= 500:
        return STATUSES.get(status, Meaning(Unavailable)).error(detail)
    if status == 404 and (error or _says_nothing(response)):
        return STATUSES[404].error(detail)
    if error is None and status != 401:
        # A proxy's or portal's page: it says nothing about the item or the organization (rule 10.5).
        return ProtocolError("malformed_answer", f"{status} without an error body", step=_step(response))
    meaning = CODES.get(kind, OTHER)
    if status == 401 and meaning.kind is not ConnectionRefused:
        meaning = STATUSES[401]
    return meaning.error(detail)


def _says_nothing(response: requests.Response) -> bool:
    """A 404 may come without a body (Severa facts §1.5); one with a page is somebody else's."""
    return not response.content.strip() or "html" not in response.headers.get("Content-Type", "html")


def _parsed(response: requests.Response) -> _Error | None:
    try:
        return msgspec.json.decode(response.content, type=_Body).error
    except msgspec.MsgspecError:
        return None


def _names(error: _Error | None) -> list[str]:
    """The fields the refusal names, as far as they are names."""
    details = error.details or [] if error else []
    return [name for one in details[:3] if one.location and (name := _plain(one.location.name))]


def _plain(text: str | None) -> str:
    return text if text and _PLAIN.fullmatch(text) else ""


def _step(response: requests.Response) -> str:
    return response.request.method or ""
