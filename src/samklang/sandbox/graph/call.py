"""One request to Graph and its answer, apart from HTTP: a part of a `$batch` is the same thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from samklang.sandbox import zones
from samklang.sandbox.model import Mailbox


class GraphError(Exception):
    """An error as Graph words it; `target` properties go beside code and message, `headers` on the answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code = status, code
        self.headers, self.extra = dict(headers or {}), dict(extra or {})


def invalid(message: str, code: str = "ErrorInvalidRequest") -> GraphError:
    return GraphError(400, code, message)


def not_found() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


@dataclass
class Answer:
    """`body` None: no content."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prefer:
    """The `Prefer` header. `zone` as it was asked for; None: UTC."""

    zone: str | None = None
    text: bool = False
    page_size: int | None = None
    immutable: bool = False

    @classmethod
    def of(cls, header: str) -> Prefer:
        """Raises GraphError for a zone nobody knows."""
        parts = {
            name.lower(): value.strip('"') for name, value in re.findall(r'([\w.\-]+)\s*=\s*("[^"]*"|[^,;\s]+)', header)
        }
        zone = parts.get("outlook.timezone")
        if zone is not None:
            try:
                zones.zone(zone)
            except zones.UnknownZoneError as error:
                raise invalid(f"The time zone '{zone}' is not supported.", "TimeZoneNotSupportedException") from error
        size = parts.get("odata.maxpagesize", "")
        return cls(
            zone=zone,
            text=parts.get("outlook.body-content-type", "").lower() == "text",
            page_size=int(size) if size.isdigit() and int(size) > 0 else None,
            immutable=parts.get("idtype", "").lower() == "immutableid",
        )


@dataclass
class Call:
    """`path` without the version; `query` names of OData options lower-cased; `headers` names lower-cased;
    `body` the parsed JSON, None if there was none; `base` the address of the service (…/v1.0)."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    base: str
    claims: dict[str, Any] = field(default_factory=dict)
    prefer: Prefer = field(default_factory=Prefer)
    operation: str = "unknown"
    mailbox: Mailbox | None = None
    stale_seconds: float = 0  # ordered by a fault: changes younger than this are not told

    @property
    def box(self) -> Mailbox:
        assert self.mailbox is not None, self.operation
        return self.mailbox

    def link(self, **options: str) -> str:
        """This request's address with other OData options (`skip="10"` gives `$skip=10`)."""
        query = self.query | {f"${name}": value for name, value in options.items()}
        return f"{self.base}{self.path}?{urlencode(query)}"

    def has_role(self, *names: str) -> bool:
        return any(name in self.claims.get("roles", []) for name in names)
