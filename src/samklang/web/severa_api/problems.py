"""Severa's nested error body (Severa facts §1.5, ExceptionModel)."""

from __future__ import annotations

from typing import Any

from samklang.activities.errors import NotAllowed, NotThere, Outdated, Refused


class SeveraError(Exception):
    def __init__(
        self, status: int, type_: str, message: str, place: str = "", name: str = "", identifier: str | None = None
    ) -> None:
        self.status = status
        self.type = type_
        self.message = message
        self.place = place
        self.name = name
        self.identifier = identifier
        super().__init__(message)

    def body(self) -> dict[str, Any]:
        where = {"type": self.place, "name": self.name, "identifier": self.identifier} if self.place else None
        detail = {"message": self.message, "url": None, "location": where}
        return {"error": {"httpStatusCode": self.status, "type": self.type, "stack": None, "details": [detail]}}


def invalid(status: int, message: str, place: str = "", name: str = "") -> SeveraError:
    """What was sent cannot be; `place` and `name` say where."""
    return SeveraError(
        status, "InvalidParameter" if place == "PathParameter" else "InvalidRequest", message, place, name
    )


def as_severa_error(error: SeveraError | Refused, identifier: str | None = None) -> SeveraError:
    """The refusal as Severa says it; of which of several ids, if named."""
    if isinstance(error, SeveraError):
        found = error
    elif isinstance(error, NotThere):
        found = invalid(404, str(error), "PathParameter", "guid")
    elif isinstance(error, NotAllowed):
        found = SeveraError(403, "PermissionDenied", str(error), "PathParameter", "guid")
    elif isinstance(error, Outdated):
        found = SeveraError(409, "InvalidOperation", str(error), "PathParameter", "guid")
    else:
        found = SeveraError(400, "InvalidOperation", str(error), "RequestBody", error.code)
    if identifier is not None:
        found.identifier = identifier
    return found
