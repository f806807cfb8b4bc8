"""`samklang serve`: one process tree of database, web server and worker, started, watched and ended in order.

The supervisor itself does nothing else. It holds the embedded database (none when DATABASE_URL is set), starts a child
again when it dies, and on TERM or INT ends web, worker and database, in that order. When the supervisor is killed the
kernel ends its children, and the database ends because nobody holds it any more.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from samklang import database
from samklang.config import config
from samklang.database.lifeline import ends_with_parent

OK, FAILED, CANNOT_REACH = 0, 1, 3
WEB_THREADS = 8
#: Seconds between two looks at the children.
_LOOK = 0.2
#: Seconds a child has to end; then it is killed, which loses nothing. A worker takes up to 20 for its runs.
_GRACE = 25.0
#: A child that died younger than this (seconds) died at its start. It is tried again ever later, and given up after
#: a few times if it never got further: then something is wrong with the installation, not with the moment.
_YOUNG = 10.0
_TRIES = 5
_LONGEST_WAIT = 30.0


def serve() -> int:
    """Run until told to stop; the exit status. What went wrong is said on standard error."""
    try:
        return _serve()
    except database.DatabaseError as error:
        print(f"samklang: {error}", file=sys.stderr)
        return CANNOT_REACH


class Child:
    """One of our processes, started again whenever it ends."""

    def __init__(self, name: str, command: list[str], keep: tuple[int, ...] = ()) -> None:
        self.name = name
        self._command = command
        self._keep = keep
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._early_deaths = 0
        self._has_lived = False

    def look(self) -> bool:
        """Start it if it does not run and its time has come. False when it died too often at its start."""
        if self._process is not None:
            if self._process.poll() is None:
                return True
            died_early = time.monotonic() - self._started < _YOUNG
            self._has_lived |= not died_early
            self._early_deaths = self._early_deaths + 1 if died_early else 0
            _say(f"{self.name} ended with status {self._process.returncode}; starting it again")
            self._process = None
        if self._early_deaths >= _TRIES and not self._has_lived:
            return False
        wait = min(2.0**self._early_deaths, _LONGEST_WAIT) if self._early_deaths else 0.0
        if time.monotonic() >= self._started + wait:
            self._start()
        return True

    def stop(self) -> None:
        """End it: politely, and after a while by force. Returns when it is gone."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.DEVNULL,
            pass_fds=self._keep,
            start_new_session=True,  # an interrupt at the terminal is for the supervisor, which ends all in order
            preexec_fn=ends_with_parent(signal.SIGKILL),
        )


def _serve() -> int:
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    try:
        listener = _listen(config().listen)
    except (OSError, ValueError) as error:
        _say(f"cannot listen on {config().listen} (SAMKLANG_LISTEN): {error}. Choose another address or port.")
        return CANNOT_REACH
    held = None if config().database_url else _Held(config().data)
    try:
        migrated = subprocess.run([sys.executable, "-m", "samklang", "migrate"], check=False)
        if migrated.returncode:
            return migrated.returncode
        host, port = listener.getsockname()[:2]
        _say(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}")
        return _watch(_children(listener), held, stop)
    finally:
        if held:
            held.stop()


def _watch(children: list[Child], held: _Held | None, stop: threading.Event) -> int:
    try:
        while not stop.wait(_LOOK):
            if held:
                held.look()
            for child in children:
                if not child.look():
                    _say(f"{child.name} does not start; see its own words above. Giving up.")
                    return FAILED
    finally:
        for child in children:
            child.stop()
    return OK


class _Held:
    """The embedded database, and the right to serve this data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._role = database.claim(data, "serve")
        self._database = database.ensure(data)
        os.environ["DATABASE_URL"] = self._database.url  # for the children

    def look(self) -> None:
        if not self._database.is_running():
            _say("the database's keeper is gone; starting it again")
            lost, self._database = self._database, database.ensure(self._data)
            lost.stop()

    def stop(self) -> None:
        self._database.stop()
        self._role.release()


def _children(listener: socket.socket) -> list[Child]:
    web = [sys.executable, "-m", "gunicorn", "samklang.wsgi:application", "--bind", f"fd://{listener.fileno()}"]
    web += ["--worker-class", "gthread", "--workers", "1", "--threads", str(WEB_THREADS)]
    # Requests are not logged by the server: addresses may hold what must not be in a log.
    web += ["--graceful-timeout", "10", "--no-control-socket", "--log-level", "warning"]
    if Path("/dev/shm").is_dir():  # noqa: S108 (gunicorn's sign of life; on a disk it could stall)
        web += ["--worker-tmp-dir", "/dev/shm"]  # noqa: S108
    return [
        Child("web", web, keep=(listener.fileno(),)),
        Child("worker", [sys.executable, "-m", "samklang", "worker"]),
    ]


def _listen(address: str) -> socket.socket:
    """The socket the web server takes over; opened here so that it stays while the web server is started again.

    Raises OSError when it is taken, ValueError when it is no HOST:PORT.
    """
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit():
        raise ValueError("it is not of the form HOST:PORT")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=512)


def _say(text: str) -> None:
    print(f"samklang: {text}", file=sys.stderr, flush=True)
