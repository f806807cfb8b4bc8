"""How long a person waits until a change is on the other side, with web, worker and notices as in an installation."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles
from threading import Thread

import requests

from samklang.cli.bench.place import PROTOCOLS, Place
from samklang.cli.output import Failure
from samklang.clock import real_now

#: Seconds after which something must have gone wrong; between two looks.
_LONGEST, _LOOK = 120.0, 0.02


@dataclass(frozen=True)
class Waiting:
    """Seconds from a change to its being seen on the other side: half of the changes were there by `median`, 19 of 20
    by `p95`."""

    changes: int
    from_psa_median: float
    from_psa_p95: float
    from_exchange_median: float
    from_exchange_p95: float


def waiting(place: Place, changes: int) -> dict[str, Waiting]:
    """By protocol: one person retitles an entry again and again, on either side, in mode continuous."""
    people = {protocol: _kept_up_to_date(place, protocol) for protocol in PROTOCOLS}
    with _serving(place) as alive:
        # Others of the organizations are heard of too: those measured before.
        _until(
            lambda: {each["mailbox"] for each in place.control.get("/subscriptions")}.issuperset(people.values()), alive
        )
        return {protocol: _of(place, address, changes, alive) for protocol, address in people.items()}


def _kept_up_to_date(place: Place, protocol: str) -> str:
    from samklang.activities import services as activities
    from samklang.engine.model import Timed
    from samklang.mailboxes import services

    address = place.person(protocol)
    user = place.user(address)
    services.save_connection(services.connection_of(user.organization), {"mode": "continuous"}, by=user)
    start = real_now().replace(microsecond=0) + timedelta(days=30)
    activities.create(user, name="first", when=Timed(start, start + timedelta(hours=1), "Europe/Stockholm"))
    place.run(address)
    return address


def _of(place: Place, address: str, changes: int, alive: Callable[[], bool]) -> Waiting:
    from samklang.activities import services
    from samklang.activities.models import Activity

    user, path = place.user(address), f"/mailboxes/{address}/entries"

    def here() -> Activity:
        return Activity.objects.of_person(user).get()

    def in_psa(title: str) -> None:
        services.update(user, here().guid, name=title)

    def in_exchange(title: str) -> None:
        (entry,) = place.control.get(path)
        place.control.patch(f"{path}/{entry['id']}", {"subject": title})

    def seconds(change: Callable[[str], None], title: str) -> float:
        change(title)
        begun = time.monotonic()
        _until(lambda: here().name == title and place.control.get(path)[0]["subject"] == title, alive)
        return time.monotonic() - begun

    waits: dict[Callable[[str], None], list[float]] = {in_psa: [], in_exchange: []}
    for number in range(changes):
        for change, took in waits.items():
            took.append(seconds(change, f"{change.__name__} {number}"))
    figures = (round(figure, 2) for took in waits.values() for figure in _median_and_p95(took))
    return Waiting(changes, *figures)


def _median_and_p95(took: list[float]) -> tuple[float, float]:
    twentieths = quantiles(took, n=20, method="inclusive")
    return twentieths[9], twentieths[18]


def _until(holds: Callable[[], bool], alive: Callable[[], bool]) -> None:
    end = time.monotonic() + _LONGEST
    while not holds():
        if not alive() or time.monotonic() > end:
            raise Failure("A change did not reach the other side; what `samklang serve` said is above.")
        time.sleep(_LOOK)


# --- the installation ------------------------------------------------------------------------------------------------


@contextmanager
def _serving(place: Place) -> Iterator[Callable[[], bool]]:
    """`samklang serve`, reached by notices through a server with TLS before it; yields whether it still runs."""
    with _tls_before(place.certificate) as (front, leads_to):
        log = place.data / "serve.log"
        settings = {"SAMKLANG_LISTEN": "127.0.0.1:0", "SAMKLANG_NOTIFICATION_URL": front}
        with log.open("wb") as said:
            command = [sys.executable, "-m", "samklang", "serve"]
            serve = subprocess.Popen(command, env=os.environ | settings, stderr=said)  # noqa: S603
        try:
            _until(lambda: "listening on " in log.read_text(), lambda: serve.poll() is None)
            leads_to.append(log.read_text().partition("listening on ")[2].split()[0])
            yield lambda: serve.poll() is None
        except Failure:
            print(log.read_text(), file=sys.stderr)
            raise
        finally:
            serve.terminate()
            serve.wait()


@contextmanager
def _tls_before(certificate: Path) -> Iterator[tuple[str, list[str]]]:
    """What stands before Samklang in the open net: the address of an https server, and the list that gets the address
    it passes everything on to."""
    leads_to: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = {"Content-Type": self.headers.get("Content-Type", "")}
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(leads_to[0] + self.path, body, headers=kind, timeout=30)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", leads_to
    finally:
        server.shutdown()
        server.server_close()
