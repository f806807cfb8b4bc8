"""Severa's nested error body (Severa facts §1.5, ExceptionModel)."""

from __future__ import annotations

from typing import Any


class SeveraError(Exception):
    def __init__(self, status: int, type_: str, message: str, place: str = "", name: str = "") -> None:
        self.status = status
        self.type = type_
        self.message = message
        self.place = place
        self.name = name
        super().__init__(message)

    def body(self) -> dict[str, Any]:
        where = {"type": self.place, "name": self.name, "identifier": None} if self.place else None
        detail = {"message": self.message, "url": None, "location": where}
        return {"error": {"httpStatusCode": self.status, "type": self.type, "stack": None, "details": [detail]}}


def invalid(status: int, message: str, place: str = "", name: str = "") -> SeveraError:
    """What was sent cannot be; `place` and `name` say where."""
    return SeveraError(
        status, "InvalidParameter" if place == "PathParameter" else "InvalidRequest", message, place, name
    )
