"""Pages of a listing: by `pageToken` and the header NextPageToken, or by `firstRow` (Severa facts §1.3)."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable
from itertools import islice
from typing import Protocol, TypeVar

from samklang.sandbox.severa.call import Call, invalid

_DEFAULT, _MAXIMUM = 20, 100


class HasGuid(Protocol):
    @property
    def guid(self) -> str: ...


T = TypeVar("T", bound=HasGuid)


def after(call: Call) -> str:
    """The guid behind which the page begins."""
    token = call.text("pageToken")
    if token is None:
        return ""
    try:
        return str(uuid.UUID(base64.urlsafe_b64decode(token.encode()).decode()))
    except ValueError as error:
        raise invalid("The page token is not valid.", "pageToken", "UriParameter") from error


def row_count(call: Call) -> int:
    wanted = call.number("rowCount")
    if wanted is not None and wanted < 1:
        raise invalid("rowCount must be 1 or more.", "rowCount", "UriParameter")
    return min(wanted or _DEFAULT, _MAXIMUM)


def page(call: Call, rows: Iterable[T]) -> tuple[list[T], dict[str, str]]:
    """The page of rows that come by guid and begin behind `after`, and its headers."""
    count = row_count(call)
    found = list(islice(rows, count + 1))
    if len(found) <= count:
        return found, {}
    return found[:count], {"NextPageToken": base64.urlsafe_b64encode(found[count - 1].guid.encode()).decode()}


def rows_from(call: Call, rows: list[T]) -> list[T]:
    """The page by `firstRow`."""
    first = call.number("firstRow") or 0
    return rows[first : first + row_count(call)]
