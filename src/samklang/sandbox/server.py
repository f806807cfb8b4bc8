"""Puts the parts on two ports of 127.0.0.1: TLS for what Microsoft and Severa serve by TLS, plain HTTP for pages and
control.

Browsers distrust the test CA, hence the second port. When both listen, one JSON line on standard output says
where.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

from aiohttp import web

from samklang.sandbox import control, ews, graph, login, pages, severa
from samklang.sandbox.certificate import server_context
from samklang.sandbox.context import SANDBOX, Sandbox

HOST = "127.0.0.1"
_MAX_BODY = 64 * 1024 * 1024

# Each part is `add_routes(app, sandbox)`. Order matters where a part has a catch-all.
TLS_PARTS = (ews.add_routes, ews.autodiscover.add_routes, login.add_routes, graph.add_routes, severa.add_routes)
PLAIN_PARTS = (control.add_routes, ews.autodiscover.add_plain_routes, pages.add_routes)


def schemas_folder() -> Path | None:
    """SAMKLANG_SCHEMAS, or ../shared/schemas where it is present; None: nothing is validated."""
    folder = Path(os.environ.get("SAMKLANG_SCHEMAS") or "../shared/schemas")
    return folder.resolve() if folder.is_dir() else None


def ledger_file() -> Path | None:
    """SAMKLANG_SANDBOX_LEDGER: the file that counts what was validated; None: nothing is written down."""
    named = os.environ.get("SAMKLANG_SANDBOX_LEDGER")
    return Path(named) if named else None


def _application(sandbox: Sandbox, parts: tuple[object, ...]) -> web.Application:
    app = web.Application(client_max_size=_MAX_BODY)
    app[SANDBOX] = sandbox
    for add_routes in parts:
        assert callable(add_routes)
        add_routes(app, sandbox)
    return app


def _listen(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


async def serve(folder: Path, port: int, pages_port: int) -> None:
    """Runs until SIGTERM or SIGINT. Port 0 takes any free one. Raises OSError when a port is taken."""
    sandbox = Sandbox.open(folder, schemas_folder(), ledger_file())
    tls_socket, plain_socket = _listen(port), _listen(pages_port)
    context, ca_file = server_context(folder)
    tls = f"https://{HOST}:{tls_socket.getsockname()[1]}"
    plain = f"http://{HOST}:{plain_socket.getsockname()[1]}"
    sandbox.urls = {
        "ews": f"{tls}/EWS/Exchange.asmx",
        "graph": f"{tls}/v1.0",
        "login": f"{tls}/login",
        "severa": f"{tls}/rest-api",
        "pages": plain,
        "control": f"{plain}/control",
        "ca_file": str(ca_file.resolve()),
    }
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runners = []
    for parts, bound, ssl_context in ((TLS_PARTS, tls_socket, context), (PLAIN_PARTS, plain_socket, None)):
        runner = web.AppRunner(_application(sandbox, parts), access_log=None, keepalive_timeout=120, shutdown_timeout=2)
        await runner.setup()
        await web.SockSite(runner, bound, ssl_context=ssl_context).start()
        runners.append(runner)
    print(json.dumps(sandbox.urls), flush=True)
    await stop.wait()
    sandbox.watch.end()
    for runner in runners:
        await runner.cleanup()
    sandbox.store.close()
