"""What the store writes for each action of a run, as SQL: one round trip, and all or nothing without a transaction of
several statements. Through row objects a first run of thousands of entries would spend its time on the way there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from samklang.mailboxes.models import LinkRow, SetAsideRow


@dataclass(frozen=True, slots=True)
class Statement:
    sql: str
    parameters: tuple[Any, ...]

    def run(self) -> int:
        """Rows written."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.parameters)
            return cursor.rowcount


def insert(model: type[models.Model], values: Mapping[str, Any], otherwise: str = "") -> Statement:
    """Insert one row; `otherwise`: what to do on a conflict."""
    table, columns = model._meta.db_table, ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    return Statement(f"insert into {table} ({columns}) values ({places}) {otherwise}", tuple(values.values()))  # noqa: S608


def insert_new_link(values: Mapping[str, Any]) -> Statement:
    """Writes nothing when one of the link's entries has a link or mark already."""
    return insert(LinkRow, values, "on conflict do nothing")


def save_link(values: Mapping[str, Any]) -> Statement:
    """Insert the link, or replace the one with its id; a side a person edited stays one."""
    table = LinkRow._meta.db_table
    kept = ", ".join(
        f"{name} = {table}.{name} or excluded.{name}" if name.startswith("edited_") else f"{name} = excluded.{name}"
        for name in values
        if name != "id"
    )
    return insert(LinkRow, values, f"on conflict (id) do update set {kept}")


def remove_link(link_id: str) -> Statement:
    return Statement(f"delete from {LinkRow._meta.db_table} where id = %s", (link_id,))  # noqa: S608


def lift(mailbox_id: int, entries: Collection[tuple[str, str]]) -> Statement:
    """Remove the set-aside rows of these entries: (side, id)."""
    table, places = SetAsideRow._meta.db_table, ", ".join(["(%s, %s)"] * len(entries))
    sql = f"delete from {table} where mailbox_id = %s and (side, entry_id) in ({places})"  # noqa: S608
    return Statement(sql, (mailbox_id, *(value for entry in entries for value in entry)))


def together(statements: Collection[Statement]) -> Statement:
    """All of them as one; they see the tables as they were before any of them, and must not touch the same row."""
    *first, last = statements
    steps = ", ".join(f"step{number} as ({each.sql})" for number, each in enumerate(first))
    parameters = tuple(value for each in statements for value in each.parameters)
    return Statement(f"with {steps} {last.sql}" if steps else last.sql, parameters)
