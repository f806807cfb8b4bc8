"""The session factory against real sockets: a plain and a TLS server of the standard library."""

from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from samklang.connectors import guard, http
from samklang.sync.errors import ProtocolError, SyncError, Unavailable
from tests.connectors.tls import self_signed, server_context


class _Handler(BaseHTTPRequestHandler):
    running = 0
    most = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        status, headers, body = 200, {}, b"well"
        if self.path == "/elsewhere":
            status, headers = 302, {"Location": "https://evil.example/take"}
        elif self.path == "/large":
            body = b"x" * 2_000_000
        elif self.path == "/bomb":
            headers, body = {"Content-Encoding": "gzip"}, gzip.compress(b"\0" * 2_000_000)
        elif self.path == "/refused":
            status = 401
        elif self.path == "/busy":
            with self.lock:
                _Handler.running += 1
                _Handler.most = max(_Handler.most, _Handler.running)
            time.sleep(0.05)
            with self.lock:
                _Handler.running -= 1
        elif self.path == "/never":
            time.sleep(1.5)
        elif self.path == "/cut":
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(authority: tuple[Path, Path]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = server_context(authority).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(SyncError) as caught:
        act()
    return caught.value.code


def test_an_answer_is_read_and_counted(plain: str) -> None:
    counts = http.Counts()
    session = http.session(allow_private=True, counts=counts)
    assert session.get(plain + "/ok").content == b"well"
    assert session.get(plain + "/refused").status_code == 401
    assert (counts.requests, counts.logon_legs) == (1, 1)


def test_an_unknown_host_is_named(plain: str) -> None:
    with pytest.raises(Unavailable) as caught:
        http.session().get("https://no-such-host.invalid/EWS/Exchange.asmx?token=secret")
    assert caught.value.code == "unknown_host"
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_something_that_is_no_address_is_named() -> None:
    assert code_of(lambda: http.session().get("mail.example.com")) == "unknown_host"


def test_a_refused_connection_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert code_of(lambda: http.session(allow_private=True).get(f"http://127.0.0.1:{port}")) == "connection_refused"


def test_a_certificate_of_an_unknown_authority_is_refused(secure: str) -> None:
    assert code_of(lambda: http.session(allow_private=True).get(secure)) == "bad_certificate"


def _handshake_with(authority: tuple[Path, Path], answer: Callable[[socket.socket], object]) -> str:
    """The code of what a request meets at a server that answers the first bytes of a connection like this."""

    def serve() -> None:
        with contextlib.suppress(OSError), listening.accept()[0] as connection:
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        session = http.session(allow_private=True, ca_file=authority[0])
        found = code_of(lambda: session.get(f"https://localhost:{listening.getsockname()[1]}"))
        serving.join()
    return found


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_a_server_that_knows_old_tls_alone_is_told_from_one_with_a_bad_certificate(
    authority: tuple[Path, Path], version: ssl.TLSVersion
) -> None:
    context = server_context(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    assert _handshake_with(authority, lambda to: context.wrap_socket(to, server_side=True)) == "tls_too_old"


def test_a_server_that_answers_in_old_tls_unasked_is_one(authority: tuple[Path, Path]) -> None:
    # RFC 2246 §7.4.1.3: a ServerHello of TLS 1.0 with TLS_RSA_WITH_AES_128_CBC_SHA, as servers give that never heard
    # of another way to say which versions there are.
    hello = b"\x03\x01" + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00"
    handshake = b"\x02" + len(hello).to_bytes(3) + hello
    record = b"\x16\x03\x01" + len(handshake).to_bytes(2) + handshake
    assert _handshake_with(authority, lambda to: (to.recv(4096), to.sendall(record), to.recv(4096))) == "tls_too_old"


def test_a_port_that_speaks_no_tls_and_old_ciphers_are_named(authority: tuple[Path, Path]) -> None:
    plain = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert _handshake_with(authority, lambda to: (to.recv(4096), to.sendall(plain), to.recv(4096))) == "no_tls"
    context = server_context(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    assert _handshake_with(authority, lambda to: context.wrap_socket(to, server_side=True)) == "no_tls"


def test_a_connection_cut_in_the_handshake_is_lost(authority: tuple[Path, Path]) -> None:
    assert _handshake_with(authority, lambda to: to.recv(4096)) == "connection_lost"


def test_the_authority_of_the_installation_is_added(secure: str, authority: tuple[Path, Path]) -> None:
    assert http.session(allow_private=True, ca_file=authority[0]).get(secure).content == b"well"


def test_a_certificate_for_another_host_is_refused(secure: str, authority: tuple[Path, Path]) -> None:
    session = http.session(allow_private=True, ca_file=authority[0])
    assert code_of(lambda: session.get(secure.replace("localhost", "127.0.0.1"))) == "bad_certificate"


def test_the_environment_does_not_override_the_authorities(
    secure: str, authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority[0]))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert code_of(lambda: http.session(allow_private=True).get(secure)) == "bad_certificate"


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    assert code_of(lambda: http.session(ca_file=tmp_path / "ca.pem")) == "bad_ca_file"
    assert code_of(lambda: http.session(ca_file=tmp_path / "absent.pem")) == "bad_ca_file"


def test_a_silent_server_times_out(plain: str) -> None:
    assert code_of(lambda: http.session(allow_private=True, timeout=(1, 0.2)).get(plain + "/never")) == "timeout"


def test_a_connection_cut_before_the_answer_is_named(plain: str) -> None:
    assert code_of(lambda: http.session(allow_private=True).get(plain + "/cut")) == "connection_lost"


def test_a_redirect_is_refused_and_never_followed(plain: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        http.session(allow_private=True).post(plain + "/elsewhere", data=b"secret")
    assert caught.value.code == "redirected"
    assert "evil.example" in caught.value.detail


@pytest.mark.parametrize("path", ["/large", "/bomb"])
def test_an_answer_over_the_limit_is_refused_also_when_compressed(plain: str, path: str) -> None:
    session = http.session(allow_private=True, answer_bytes=100_000)
    assert code_of(lambda: session.get(plain + path)) == "answer_too_large"


def test_a_loopback_address_is_refused_unless_allowed(plain: str) -> None:
    assert code_of(lambda: http.session().get(plain)) == "address_not_allowed"
    assert code_of(lambda: http.session().get(plain.replace("127.0.0.1", "localhost"))) == "address_not_allowed"


def test_a_name_that_changes_its_address_after_the_look_is_not_followed(
    plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def rebinding(host: str, port: int, *_: object, **__: object) -> object:
        looks.append(host)
        address = "203.0.113.7" if looks.count(host) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(guard, "may_connect", lambda address, allow_private: address == "203.0.113.7")
    session = http.session(timeout=(0.2, 0.2))
    # The name is asked for once; what is connected to is the address that was looked at, so nothing answers there.
    assert code_of(lambda: session.get(plain.replace("127.0.0.1", "rebind.example"))) != "address_not_allowed"
    assert looks.count("rebind.example") == 1


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("40.101.12.2", True, True),
        ("2603:1026::1", True, True),
        ("10.1.2.3", False, True),
        ("192.168.0.9", False, True),
        ("172.16.5.5", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.1.2.3", False, True),
        ("64:ff9b::7f00:1", False, True),
        ("2002:7f00:1::", False, True),
        ("169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("::ffff:169.254.169.254", False, False),
    ],
)
def test_addresses_are_judged_by_kind(address: str, public: bool, private: bool) -> None:
    assert guard.may_connect(address, allow_private=False) is public
    assert guard.may_connect(address, allow_private=True) is private


def test_at_most_three_requests_of_a_mailbox_run_at_once(plain: str) -> None:
    def work() -> None:
        session = http.session(allow_private=True, mailbox="x|Anna@Example.com")
        for _ in range(3):
            session.get(plain + "/busy")

    _Handler.most = 0
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 < _Handler.most <= 3


def test_addresses_and_their_queries_are_not_logged(plain: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    http.session(allow_private=True).get(plain + "/ok?token=secret")
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_understood_as_seconds_and_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    import requests

    answer = requests.Response()
    answer.headers.update(headers)
    assert http.retry_after(answer) == seconds
