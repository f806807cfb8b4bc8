"""Where Graph's notices arrive: a TLS server on this machine, as a reverse proxy would stand before Samklang."""

from __future__ import annotations

import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from tests.connectors.tls import self_signed, server_context


class Got(NamedTuple):
    path: str
    body: bytes


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    content_type: str = "text/plain"


class Receiver:
    """Hands each POST to `then` and keeps it."""

    def __init__(self, then: Callable[[Got], Answer]) -> None:
        self.got: list[Got] = []
        self.url = ""
        self.then = then

    def waits_for(self, count: int) -> list[Got]:
        """The first so many notices, handshakes apart, as soon as they are there."""
        wait_until(lambda: len(self.notices) >= count)
        return self.notices[:count]

    @property
    def notices(self) -> list[Got]:
        return [each for each in self.got if "validationToken" not in each.path]

    @property
    def handshakes(self) -> list[Got]:
        return [each for each in self.got if "validationToken" in each.path]


def wait_until(holds: Callable[[], bool], seconds: float = 30, *, look: float = 0.02) -> None:
    """Fails the test when it never comes to hold. `look`: seconds between two looks."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(look)


@contextmanager
def receiving(then: Callable[[Got], Answer]) -> Iterator[Receiver]:
    receiver = Receiver(then)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            got = Got(self.path, body)
            answer = receiver.then(got)
            receiver.got.append(got)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with tempfile.TemporaryDirectory() as folder:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context: ssl.SSLContext = server_context(self_signed(Path(folder)))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.url = f"https://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def handshake(got: Got) -> Answer:
    """What a good receiver says: the token, as it was sent."""
    from urllib.parse import parse_qs, urlsplit

    token = parse_qs(urlsplit(got.path).query).get("validationToken")
    return Answer(200, token[0].encode()) if token else Answer(202)
