"""What a browser sees of the sandbox: a page per mailbox, and Microsoft's consent. On the plain-HTTP port."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from samklang.sandbox.context import Sandbox
from samklang.sandbox.pages import consent, mailbox

_STATIC = Path(__file__).parent / "static"


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    app.router.add_static("/static", _STATIC)
    consent.add_routes(app, sandbox)
    mailbox.add_routes(app, sandbox)
