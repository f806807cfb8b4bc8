"""What was held to the official schemas: counted for a test, and written to a ledger for a whole run of them.

The ledger is a file that any number of sandboxes append to, a line per request and per answer; resets and kills leave
it alone. A line has, between tabs: protocol, version, "request" or "answer", operation, client, and what its schema
says against it, if anything.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

log = logging.getLogger("samklang.sandbox")


class Validation:
    """`failures`: answers of our own against their schema, each a defect of the sandbox."""

    def __init__(self, ledger: Path | None = None) -> None:
        self.requests_checked = self.answers_checked = 0
        self.failures: list[dict[str, str]] = []
        # One write per line, so that those of several processes never mix.
        self._ledger = None if ledger is None else os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def request(self, protocol: str, version: str, operation: str, client: str, violation: str | None) -> None:
        """`version`: what the request claims. `client`: the name its sender goes by."""
        self.requests_checked += 1
        self._write(protocol, version, "request", operation, client, violation or "")

    def answer(self, protocol: str, version: str, operation: str, violation: str | None) -> None:
        self.answers_checked += 1
        self._write(protocol, version, "answer", operation, "", violation or "")
        if violation is not None:
            log.error("answer against the schema: %s %s: %s", protocol, operation, violation)
            if len(self.failures) < 1000:
                self.failures.append({"protocol": protocol, "operation": operation, "violation": violation})

    def _write(self, *words: str) -> None:
        if self._ledger is not None:
            line = "\t".join(" ".join(word.split())[:300] for word in words)
            os.write(self._ledger, f"{line}\n".encode())

    def shown(self) -> dict[str, Any]:
        counted = {"requests_checked": self.requests_checked, "answers_checked": self.answers_checked}
        return counted | {"failures": self.failures}

    def clear(self) -> None:
        self.requests_checked = self.answers_checked = 0
        self.failures.clear()
