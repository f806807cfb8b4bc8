"""A small HTTP proxy on 127.0.0.1: opens tunnels (CONNECT), forwards plain requests, and keeps what it was asked for.

It looks names up in its own `names`, as the proxy of a company does: what it leads to need not exist in DNS.
"""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest


class Proxy(ThreadingHTTPServer):
    """`names`: where "host:port" leads, as (host, port); any other name leads nowhere (502)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.names: dict[str, tuple[str, int]] = {}
        #: User and password it wants, "user:password"; "" for none.
        self.wants = ""
        #: "CONNECT host:port" and "GET http://…", as they came; those refused for want of a sign-in among them.
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def leads(self, name: str, url: str) -> None:
        """`name`: "host:port"; `url`: whose host and port it leads to."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.names[name] = (parts.hostname, parts.port)


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        other = self._way(self.path)
        if other is None:
            return
        with other:
            self.send_response(200)
            self.end_headers()
            _tunnel(self.connection, other)
        self.close_connection = True

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        other = self._way(f"{parts.hostname}:{parts.port or 80}")
        if other is None:
            return
        with other:
            lines = [f"GET {parts.path or '/'} HTTP/1.0", f"Host: {parts.netloc}", "Connection: close"]
            own = ("host", "connection", "proxy-authorization")
            lines += [f"{name}: {value}" for name, value in self.headers.items() if name.casefold() not in own]
            other.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            while data := other.recv(65536):
                self.wfile.write(data)
        self.close_connection = True

    def _way(self, name: str) -> socket.socket | None:
        self.server.asked.append(f"{self.command} {self.path}")
        if self.server.wants:
            wanted = "Basic " + base64.b64encode(self.server.wants.encode()).decode()
            if self.headers.get("Proxy-Authorization") != wanted:
                return self._refuse(407)
        with contextlib.suppress(KeyError, OSError):
            return socket.create_connection(self.server.names[name], timeout=10)
        return self._refuse(502)

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _tunnel(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways until either end has had enough."""
    with contextlib.suppress(OSError):
        while True:
            for ready in select.select([one, other], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (other if ready is one else one).sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = Proxy()
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
