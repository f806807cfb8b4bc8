"""What a browser sees of the sandbox, on the plain-HTTP port: a page per mailbox, one per user of Severa, and
Microsoft's sign-in and consent."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from samklang.sandbox.context import Sandbox
from samklang.sandbox.pages import authorize, consent, mailbox, severa

_STATIC = Path(__file__).parent / "static"


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    app.router.add_static("/static", _STATIC)
    consent.add_routes(app, sandbox)
    authorize.add_routes(app, sandbox)
    mailbox.add_routes(app, sandbox)
    severa.add_routes(app, sandbox)
