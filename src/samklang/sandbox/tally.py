"""What tests count: requests and writes per mailbox, mails that would have been sent, and the log of requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from samklang.sandbox.database import Database


class Mail(NamedTuple):
    """`kind`: invitation, update, cancellation or response. `cause`: "program" for what a client's request sent,
    "person" for what somebody did in Outlook."""

    seq: int
    at: str
    sender: str
    recipient: str
    kind: str
    item: str
    cause: str


class Tally(Database):
    """The part of the store that only ever grows, until it is zeroed."""

    _cause = "program"

    @contextmanager
    def by_person(self) -> Iterator[None]:
        """What is sent inside is a person's doing: listed with its cause, and counted for nobody."""
        with self.transaction():
            self._cause = "person"
            try:
                yield
            finally:
                self._cause = "program"

    def count(self, mailbox: str, name: str, by: int = 1) -> None:
        """Adds to a counter; `mailbox` is an address, "" where no mailbox is known."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                (mailbox.casefold(), name, by),
            )

    def count_max(self, mailbox: str, name: str, value: int) -> None:
        """Raises a counter to a value it has not reached yet."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
                (mailbox.casefold(), name, value),
            )

    def counters(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for mailbox, name, value in self._all("SELECT mailbox, name, value FROM counters"):
            found.setdefault(mailbox, {})[name] = value
        return found

    def zero_counters(self) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM counters")

    def send_mail(self, sender: str, recipients: Iterable[str], kind: str, item: str) -> None:
        """Records mails a server would have sent; see `Mail`."""
        with self.transaction():
            for recipient in recipients:
                at = self.clock.now().isoformat()
                self._db.execute(
                    "INSERT INTO sent (at, sender, recipient, kind, item, cause) VALUES (?, ?, ?, ?, ?, ?)",
                    (at, sender, recipient, kind, item, self._cause),
                )
                if self._cause == "program":
                    self.count(sender, "mails")

    def mails(self) -> list[Mail]:
        return [Mail(*row) for row in self._all("SELECT * FROM sent ORDER BY seq")]

    def log_request(
        self, protocol: str, operation: str, mailbox: str, status: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """A line per request; never contents. `headers`: what the client says of itself and of whom it is about."""
        with self.transaction():
            line = self._db.execute(
                "INSERT INTO log (at, protocol, operation, mailbox, status) VALUES (?, ?, ?, ?, ?)",
                (datetime.now(UTC).isoformat(timespec="milliseconds"), protocol, operation, mailbox, status),
            )
            if headers:
                self._db.execute("INSERT INTO log_headers VALUES (?, ?)", (line.lastrowid, json.dumps(headers)))

    def log(self, since: int = 0, limit: int = 10_000) -> list[dict[str, Any]]:
        names = ("seq", "at", "protocol", "operation", "mailbox", "status")
        rows = self._all(
            "SELECT log.*, headers FROM log LEFT JOIN log_headers USING (seq) WHERE seq > ? ORDER BY seq LIMIT ?",
            since,
            limit,
        )
        return [dict(zip(names, row, strict=True)) | {"headers": json.loads(headers or "{}")} for *row, headers in rows]
