"""How the control API reads, answers and refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from aiohttp import web

T = TypeVar("T")


class Operation(NamedTuple):
    """`name`: the method that answers it, and the operationId."""

    method: str
    path: str
    name: str
    summary: str
    form: type | None = None
    query: dict[str, str] = {}  # noqa: RUF012 (never changed)
    status: int = 200


class Problem(Exception):
    """Answered as problem+json."""

    def __init__(self, status: int, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.status, self.code = status, code


async def read(request: web.Request, type: type[T]) -> T:
    return msgspec.json.decode(await request.read() or b"{}", type=type)


def fields_of(form: msgspec.Struct) -> dict[str, Any]:
    """The fields that were sent."""
    return {name: value for name, value in msgspec.structs.asdict(form).items() if value is not msgspec.UNSET}


def moment(text: str) -> datetime:
    """An ISO time; UTC where it names no offset."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def window(text: str) -> tuple[datetime, datetime]:
    """FROM/TO."""
    start, _, end = text.partition("/")
    return moment(start), moment(end)


def answer(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
