"""Pages: `rowCount` rows, and the token of the next in the header `NextPageToken` (Severa facts §1.3).

A token names the last row of its page, not how many came before: what is added or removed meanwhile moves nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.http import HttpResponse
from ninja import Schema

from samklang.web.severa_api.problems import invalid

T = TypeVar("T")

#: Rows of a page: default and most (Severa facts §1.3).
ROWS, MOST_ROWS = 20, 100


class Page(Schema):
    pageToken: str | None = None  # noqa: N815
    rowCount: int | None = None  # noqa: N815

    @property
    def rows(self) -> int:
        rows = ROWS if self.rowCount is None else self.rowCount
        if not 1 <= rows <= MOST_ROWS:
            raise invalid(400, f"rowCount is a number from 1 to {MOST_ROWS}", "UriParameter", "rowCount")
        return rows

    @property
    def after(self) -> tuple[int, str]:
        """Primary key of the last row, and what of it (of a series: the last occurrence); (0, "") at the beginning."""
        if not self.pageToken:
            return 0, ""
        try:
            key, _sep, part = urlsafe_b64decode(self.pageToken.encode()).decode().partition(":")
            return int(key), part
        except ValueError:
            raise invalid(400, "pageToken is not one of ours", "UriParameter", "pageToken") from None


def of_rows(response: HttpResponse, rows: QuerySet[Any], page: Page) -> list[Any]:
    """A page of rows, in the order they were made."""
    keyed = ((row, row.pk, "") for row in rows.filter(pk__gt=page.after[0]).order_by("pk")[: page.rows + 1])
    return of_keyed(response, keyed, page)


def of_keyed(response: HttpResponse, found: Iterable[tuple[T, int, str]], page: Page) -> list[T]:
    """A page of what is found after `page.after`: value, primary key, part."""
    taken = list(islice(found, page.rows + 1))
    if len(taken) > page.rows:
        _value, key, part = taken[page.rows - 1]
        response.headers["NextPageToken"] = urlsafe_b64encode(f"{key}:{part}".encode()).decode()
    return [value for value, _key, _part in taken[: page.rows]]
