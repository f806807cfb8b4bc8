"""Severa's records in the sandbox's store: JSON documents beside the few columns that are searched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from samklang.sandbox.severa.model import Activity, Client, Organization, Participant, Record
from samklang.sandbox.store import Store, microseconds

R = TypeVar("R", bound=Record)

_NEVER = datetime.max.replace(tzinfo=UTC)
_PAGE = 500
_encode = msgspec.json.encode
_ACTIVITIES = ("None", "Series", "Exception")


class Records:
    def __init__(self, store: Store) -> None:
        self._store = store

    # --- organizations
    def organizations(self) -> list[Organization]:
        return list(self._store.all("severa-organization", Organization).values())

    def organization(self, key: str) -> Organization | None:
        return self._store.get("severa-organization", key, Organization)

    def save_organization(self, organization: Organization) -> None:
        self._store.put("severa-organization", organization.key, organization)

    def client(self, client_id: str) -> tuple[Organization, Client] | None:
        """A client of any organization, by its id."""
        for organization in self.organizations():
            for client in organization.clients:
                if client.client_id.casefold() == client_id.casefold():
                    return organization, client
        return None

    # --- records
    def save(self, record: Record, ends: datetime | None = None) -> None:
        """`ends`: of a series, when its last occurrence is over; None: never."""
        kind, parent = type(record).__name__, ""
        starts, last = None, None
        if isinstance(record, Activity):
            kind, parent = record.kind, record.parent
            starts, last = record.body.start_date_time, (ends or _NEVER) if kind == "Series" else record.body.end
        elif isinstance(record, Participant):
            parent = record.activity
        self._store.execute(
            "INSERT OR REPLACE INTO severa VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            record.guid,
            kind,
            record.organization,
            parent,
            None if starts is None else microseconds(starts),
            None if last is None else microseconds(last),
            microseconds(record.updated),
            _encode(record),
        )

    def remove(self, record: Record) -> None:
        """For good, with all that hangs on it."""
        for child in self._store.rows("SELECT guid FROM severa WHERE parent = ?", record.guid):
            self._store.execute("DELETE FROM severa WHERE guid = ? OR parent = ?", child[0], child[0])
        self._store.execute("DELETE FROM severa WHERE guid = ?", record.guid)

    def get(self, type: type[R], guid: str, organization: str = "") -> R | None:
        """By guid, whatever its case; where one is named, of that organization alone."""
        row = self._store.rows("SELECT kind, organization, doc FROM severa WHERE guid = ?", guid.lower())
        if not row or row[0][0] not in _kinds(type) or organization not in ("", row[0][1]):
            return None
        return msgspec.json.decode(row[0][2], type=type)

    def all(self, type: type[R], organization: str) -> list[R]:
        """By guid."""
        kinds = _kinds(type)
        rows = self._store.rows(
            f"SELECT doc FROM severa WHERE organization = ? AND kind IN ({_marks(kinds)}) ORDER BY guid",  # noqa: S608
            organization,
            *kinds,
        )
        return [msgspec.json.decode(doc, type=type) for (doc,) in rows]

    def of(self, type: type[R], parent: str) -> list[R]:
        """The participants or the exceptions of an activity."""
        kinds = ("Exception",) if type is Activity else _kinds(type)
        rows = self._store.rows("SELECT doc FROM severa WHERE parent = ? AND kind = ? ORDER BY guid", parent, kinds[0])
        return [msgspec.json.decode(doc, type=type) for (doc,) in rows]

    def series_like(self, tail: str, organization: str = "") -> Activity | None:
        """The series whose guid ends so: its occurrences' guids do too."""
        rows = self._store.rows(
            "SELECT doc FROM severa WHERE kind = 'Series' AND guid LIKE ? AND ? IN ('', organization)",
            f"%{tail}",
            organization,
        )
        return msgspec.json.decode(rows[0][0], type=Activity) if rows else None

    def activities(
        self,
        organization: str,
        kind: str,
        *,
        after: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        changed: datetime | None = None,
    ) -> Iterator[Activity]:
        """One kind's by guid, those that touch `start` … `end`, limits included, changed at or after `changed`."""
        wanted, values = "", []
        for column, moment in (("ends >= ?", start), ("starts <= ?", end), ("changed >= ?", changed)):
            if moment is not None:
                wanted += f" AND {column}"
                values.append(microseconds(moment))
        while True:
            rows = self._store.rows(
                f"SELECT guid, doc FROM severa WHERE organization = ? AND kind = ? AND guid > ?{wanted}"  # noqa: S608
                " ORDER BY guid LIMIT ?",
                organization,
                kind,
                after,
                *values,
                _PAGE,
            )
            for _, doc in rows:
                yield msgspec.json.decode(doc, type=Activity)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]


def _kinds(type: type[Record]) -> tuple[str, ...]:
    return _ACTIVITIES if type is Activity else (type.__name__,)


def _marks(kinds: tuple[str, ...]) -> str:
    return ",".join("?" * len(kinds))
