"""What the parts of the sandbox share; each part's `add_routes(app, sandbox)` receives it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from samklang.sandbox.faults import Faults
from samklang.sandbox.store import Store
from samklang.sandbox.traffic import Traffic
from samklang.sandbox.validation import Validation
from samklang.sandbox.watch import Watch

log = logging.getLogger("samklang.sandbox")


@dataclass
class Sandbox:
    """`urls` is filled when the ports are bound: the line printed at the start."""

    folder: Path
    store: Store
    faults: Faults
    traffic: Traffic
    watch: Watch
    schemas: Path | None
    validation: Validation
    urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, schemas: Path | None, ledger: Path | None) -> Sandbox:
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(folder)
        return cls(folder, store, Faults(store), Traffic(store), Watch(store), schemas, Validation(ledger))


SANDBOX = web.AppKey("sandbox", Sandbox)
