"""The control API on the plain port: what a test or a demo asks of the sandbox itself. See
docs/sandbox.md."""

from __future__ import annotations

from aiohttp import web

from samklang.sandbox.context import Sandbox


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    async def clock(request: web.Request) -> web.Response:
        return web.json_response({"now": sandbox.store.clock.now().isoformat()})

    app.router.add_get("/control/clock", clock)
