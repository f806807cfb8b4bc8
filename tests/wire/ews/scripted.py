"""A server that says what the test tells it to. What our client asks of it has to be valid, as at the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from samklang.connectors.ews import EwsAccess, EwsCalendar
from tests.connectors.tls import self_signed, server_context
from tests.wire.ews.schemas import hold_to_its_schema

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Script(ThreadingHTTPServer):
    """Answers requests from a list, one after the other, faults with status 500; keeps what was asked."""

    def __init__(self, files: tuple[Path, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = server_context(files).wrap_socket(self.socket, server_side=True)
        self.answers: list[bytes] = []
        self.asked: list[bytes] = []
        self._authority, self._calendars = files[0], list[EwsCalendar]()
        threading.Thread(target=self.serve_forever, args=[0.02], daemon=True).start()

    def calendar(self, *, home: str = "Europe/Stockholm", product: str = "2013", build: str = "") -> EwsCalendar:
        """Alice's, on a server an administrator takes for `product` and that once reported `build`."""
        access = EwsAccess(
            f"https://localhost:{self.server_port}",
            "",
            "sync",
            "secret",
            auth="basic",
            ca_file=self._authority,
            version=product,
            build=build,
            allow_private=True,
        )
        self._calendars.append(EwsCalendar(access, "alice@example.com", home=home, now=lambda: NOW))
        return self._calendars[-1]

    def says(self, *answers: str | bytes) -> None:
        self.answers = [each.encode() if isinstance(each, str) else each for each in answers]

    def end(self) -> None:
        for calendar in self._calendars:
            calendar.close()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Script

    def do_POST(self) -> None:
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        body = self.server.answers.pop(0)
        self.send_response(500 if b":Fault>" in body else 200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    server = Script(self_signed(tmp_path))
    yield server
    server.end()
    for request in server.asked:
        hold_to_its_schema(request)
