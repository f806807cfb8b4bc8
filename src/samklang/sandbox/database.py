"""The SQLite file beneath the store: its tables, transactions, and documents by kind and key."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from samklang.sandbox.clock import Clock

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  kind TEXT, key TEXT, doc BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sequence (last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS mailboxes (id INTEGER PRIMARY KEY AUTOINCREMENT, doc BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS addresses (address TEXT PRIMARY KEY, mailbox INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS folders (
  mailbox INTEGER NOT NULL, id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS folders_of ON folders (mailbox, kind);
CREATE TABLE IF NOT EXISTS items (
  id TEXT PRIMARY KEY, immutable_id TEXT NOT NULL, mailbox INTEGER NOT NULL, folder TEXT NOT NULL,
  uid TEXT NOT NULL, transaction_id TEXT, starts INTEGER NOT NULL, ends INTEGER, modified INTEGER NOT NULL,
  created_seq INTEGER NOT NULL, changed_seq INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS items_changed ON items (mailbox, folder, changed_seq);
CREATE INDEX IF NOT EXISTS items_created ON items (mailbox, folder, created_seq);
CREATE INDEX IF NOT EXISTS items_ends ON items (mailbox, folder, ends);
CREATE INDEX IF NOT EXISTS items_modified ON items (mailbox, folder, modified);
CREATE INDEX IF NOT EXISTS items_uid ON items (mailbox, uid);
CREATE INDEX IF NOT EXISTS items_immutable ON items (immutable_id);
CREATE INDEX IF NOT EXISTS items_transaction ON items (mailbox, transaction_id);
CREATE TABLE IF NOT EXISTS properties (
  mailbox INTEGER, key TEXT, value TEXT, item TEXT, PRIMARY KEY (mailbox, key, value, item)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS properties_of ON properties (item);
CREATE TABLE IF NOT EXISTS changes (
  seq INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, folder TEXT NOT NULL, item TEXT NOT NULL,
  immutable_id TEXT NOT NULL, kind TEXT NOT NULL, created_seq INTEGER NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS changes_of ON changes (mailbox, folder, kind, seq);
CREATE INDEX IF NOT EXISTS changes_mailbox ON changes (mailbox, seq);
CREATE INDEX IF NOT EXISTS changes_item ON changes (item, seq);
CREATE INDEX IF NOT EXISTS changes_at ON changes (at, seq);
CREATE TABLE IF NOT EXISTS counters (
  mailbox TEXT, name TEXT, value INTEGER NOT NULL, PRIMARY KEY (mailbox, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, sender TEXT, recipient TEXT, kind TEXT, item TEXT, cause TEXT);
CREATE TABLE IF NOT EXISTS log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, protocol TEXT, operation TEXT, mailbox TEXT, status
  INTEGER);
CREATE TABLE IF NOT EXISTS log_headers (seq INTEGER PRIMARY KEY, headers TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS severa (
  guid TEXT PRIMARY KEY, kind TEXT NOT NULL, organization TEXT NOT NULL, parent TEXT NOT NULL,
  starts INTEGER, ends INTEGER, changed INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS severa_kinds ON severa (organization, kind, guid);
CREATE INDEX IF NOT EXISTS severa_parents ON severa (parent);
"""
_TABLES = (
    "documents",
    "mailboxes",
    "addresses",
    "folders",
    "items",
    "properties",
    "changes",
    "counters",
    "sent",
    "log",
    "log_headers",
    "severa",
)

_encode = msgspec.json.Encoder().encode


class Database:
    """Opens or creates `sandbox.sqlite` in `folder`. Every public method is one transaction, unless the caller opened a
    longer one with `transaction()`; the lock makes it safe from several threads."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(folder / "sandbox.sqlite", check_same_thread=False, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;" + _SCHEMA
        )
        if self._one("SELECT last FROM sequence") is None:
            self._db.execute("INSERT INTO sequence VALUES (0)")
        self.clock = Clock(self)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._db.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._db.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement on a part's own table answers."""
        return self._all(sql, *values)

    def execute(self, sql: str, *values: object) -> None:
        """Writes to a part's own table."""
        with self.transaction():
            self._db.execute(sql, values)

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
            return row

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def reset(self) -> None:
        """Forgets everything but the certificate. The sequence goes on, so that old tokens are seen to be
        old."""
        with self.transaction():
            for table in _TABLES:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 (names from the constant above)
        self.clock.reload()

    # --- documents: settings, accounts, tenants, tokens, faults … -------------------------------------------
    def put(self, kind: str, key: str, value: object) -> None:
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, key, _encode(value)))

    def get(self, kind: str, key: str, type: type[T]) -> T | None:
        row = self._one("SELECT doc FROM documents WHERE kind = ? AND key = ?", kind, key)
        return None if row is None else msgspec.json.decode(row[0], type=type)

    def all(self, kind: str, type: type[T]) -> dict[str, T]:
        rows = self._all("SELECT key, doc FROM documents WHERE kind = ? ORDER BY key", kind)
        return {key: msgspec.json.decode(doc, type=type) for key, doc in rows}

    def remove(self, kind: str, key: str) -> bool:
        with self.transaction():
            return self._db.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key)).rowcount > 0
