"""One request to Severa and its answer, apart from HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from samklang.sandbox.severa.model import Client, Organization

T = TypeVar("T")

# Status of the types of errors; the others are 400 (no source but the names).
_STATUS = {
    "AuthenticationRequired": 401,
    "InsufficientApiScope": 403,
    "PermissionDenied": 403,
    "AddonMissing": 403,
    "InternalSystemError": 500,
}


class SeveraError(Exception):
    """A refusal in Severa's words (`ExceptionModel`); `place` is where in the request: (location type, name)."""

    def __init__(self, type: str, message: str, place: tuple[str, str] | None = None, *, status: int = 0) -> None:
        super().__init__(message)
        self.type, self.place = type, place
        self.status = status or _STATUS.get(type, 400)

    def body(self, url: str = "") -> dict[str, Any]:
        location = {"type": self.place[0], "name": self.place[1], "identifier": None} if self.place else None
        detail = {"message": str(self), "url": url or None, "location": location}
        return {"error": {"httpStatusCode": self.status, "type": self.type, "stack": None, "details": [detail]}}


class NotFoundError(SeveraError):
    """404; its answer may have no body (Severa facts §1.5)."""

    def __init__(self) -> None:
        super().__init__("InvalidParameter", "Resource not found", status=404)


def invalid(message: str, name: str, where: str = "RequestBody") -> SeveraError:
    return SeveraError("InvalidParameter", message, (where, name))


def impossible(message: str) -> SeveraError:
    return SeveraError("InvalidOperation", message)


@dataclass
class Answer:
    """`body` None: no content."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """`path` behind the base address; `query` as pairs, for names may be repeated; `headers` names lower-cased."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    raw: bytes
    organization: Organization | None = None
    client: Client | None = None
    stale_seconds: float = 0  # ordered by a fault: changes younger than this are not listed

    @property
    def org(self) -> str:
        assert self.organization is not None
        return self.organization.key

    def body(self) -> Any:
        """The JSON of the request. Raises SeveraError where it is none."""
        if "json" not in self.headers.get("content-type", ""):
            raise SeveraError("InvalidRequest", "The media type of the request is not supported.", status=415)
        try:
            found = msgspec.json.decode(self.raw)
        except msgspec.DecodeError as error:
            raise SeveraError("InvalidRequest", f"The request body is no JSON: {error}.") from error
        if found is None:
            raise invalid("The request body is empty.", "body")
        return found

    # --- the query; names whatever their case
    def texts(self, name: str) -> list[str]:
        return [value for key, value in self.query if key.casefold() == name.casefold() and value]

    def text(self, name: str) -> str | None:
        found = self.texts(name)
        return found[-1] if found else None

    def guids(self, name: str) -> frozenset[str]:
        return frozenset(value.lower() for value in self.texts(name))

    def flag(self, name: str) -> bool | None:
        return self._read(name, bool)

    def number(self, name: str) -> int | None:
        return self._read(name, int)

    def moment(self, name: str) -> datetime | None:
        """Without an offset it is UTC."""
        found = self._read(name, datetime)
        return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found

    def choice(self, name: str, type: Any) -> Any:
        return self._read(name, type)

    def choices(self, name: str, type: Any) -> list[Any]:
        return [self._converted(name, text, type) for text in self.texts(name)]

    def _read(self, name: str, type: type[T]) -> T | None:
        text = self.text(name)
        return None if text is None else self._converted(name, text, type)

    def _converted(self, name: str, text: str, type: Any) -> Any:
        try:
            return msgspec.convert(text, type, strict=False)
        except msgspec.ValidationError as error:
            raise invalid(f"The value of {name} is not valid: {error}.", name, "UriParameter") from error
