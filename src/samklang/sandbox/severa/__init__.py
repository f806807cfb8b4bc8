"""A stand-in Severa: its public REST API over organizations, users, types and activities of its own.

As true to the public document (`severa-openapi.json`) and the facts collected for the project as the rest of the
sandbox is to Microsoft's; what neither tells is a switch (`settings.py`) or listed in docs/sandbox.md.
"""

from __future__ import annotations

from aiohttp import web

from samklang.sandbox.context import Sandbox
from samklang.sandbox.severa.door import Door


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    part = web.Application(middlewares=[sandbox.traffic.counted("severa")], client_max_size=8 * 1024 * 1024)
    part.router.add_route("*", "/{path:.*}", Door(sandbox).answer)
    app.add_subapp("/rest-api", part)
