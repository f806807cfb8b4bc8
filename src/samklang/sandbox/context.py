"""What the parts of the sandbox share; each part's `add_routes(app, sandbox)` receives it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from samklang.sandbox.faults import Faults
from samklang.sandbox.store import Store
from samklang.sandbox.traffic import Traffic
from samklang.sandbox.watch import Watch

log = logging.getLogger("samklang.sandbox")


@dataclass
class Validation:
    """How many requests and answers were checked against the official schemas, and which of our answers
    failed."""

    requests_checked: int = 0
    answers_checked: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)

    def checked(self, protocol: str, operation: str, violation: str | None) -> None:
        """An answer of our own was held to its schema."""
        self.answers_checked += 1
        if violation is not None:
            self.failed(protocol, operation, violation)

    def failed(self, protocol: str, operation: str, violation: str) -> None:
        """What its schema forbids: a defect of the sandbox."""
        log.error("answer against the schema: %s %s: %s", protocol, operation, violation)
        if len(self.failures) < 1000:
            self.failures.append({"protocol": protocol, "operation": operation, "violation": violation})

    def clear(self) -> None:
        self.requests_checked = self.answers_checked = 0
        self.failures.clear()


@dataclass
class Sandbox:
    """`urls` is filled when the ports are bound: the line printed at the start."""

    folder: Path
    store: Store
    faults: Faults
    traffic: Traffic
    watch: Watch
    schemas: Path | None
    validation: Validation = field(default_factory=Validation)
    urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, schemas: Path | None) -> Sandbox:
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(folder)
        return cls(folder, store, Faults(store), Traffic(store), Watch(store), schemas)


SANDBOX = web.AppKey("sandbox", Sandbox)
