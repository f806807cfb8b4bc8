"""Who is on the line: NTLM, alone or by Negotiate, once per TCP connection, and Basic, with every request (EWS facts
§2.2). Negotiate takes NTLM as it is, as Windows does, or inside SPNEGO (RFC 4559, RFC 4178); there is no Kerberos."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import spnego
from aiohttp import web
from spnego._ntlm_raw.crypto import ntowfv1
from spnego._ntlm_raw.messages import Authenticate

from samklang.sandbox.accounts import Account, account_named, accounts, server
from samklang.sandbox.context import Sandbox
from samklang.sandbox.traffic import Call

#: How the methods that are NTLM write their name.
_NTLM = {"negotiate": "Negotiate", "ntlm": "NTLM"}


@dataclass
class _Line:
    """One TCP connection: a handshake under way, or who logged on."""

    handshake: spnego.ContextProxy | None = None
    account: str | None = None


class Unauthorized(Exception):
    """Answered with 401; `challenge` is the token of an NTLM handshake under way, of the method `scheme`."""

    def __init__(self, challenge: bytes | None = None, scheme: str = "NTLM") -> None:
        super().__init__()
        self.challenge, self.scheme = challenge, scheme


class Gate:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lines: WeakKeyDictionary[object, _Line] = WeakKeyDictionary()
        self._file = Path(sandbox.folder) / "ntlm-accounts"

    def admit(self, request: web.Request) -> Account:
        """The account that asks. Raises Unauthorized, counting a refused log-on where one was tried."""
        line = self._lines.setdefault(request.transport, _Line())
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        methods = server(self._sandbox.store).auth
        if scheme.casefold() in _NTLM and scheme.casefold() in methods:
            return self._ntlm(request["call"], line, token, _NTLM[scheme.casefold()])
        if scheme.casefold() == "basic" and "basic" in methods:
            return self._basic(request["call"], line, token)
        account = account_named(self._sandbox.store, line.account) if line.account and not scheme else None
        if account is None:
            raise Unauthorized
        return account

    def challenges(self, refusal: Unauthorized, host: str) -> list[tuple[str, str]]:
        """The separate WWW-Authenticate headers of a 401."""
        if refusal.challenge is not None:
            return [("WWW-Authenticate", f"{refusal.scheme} {base64.b64encode(refusal.challenge).decode()}")]
        offered = {**_NTLM, "basic": f'Basic realm="{host}"'}
        return [("WWW-Authenticate", offered[method]) for method in server(self._sandbox.store).auth]

    def _basic(self, call: Call, line: _Line, token: str) -> Account:
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Unauthorized from None
        account = account_named(self._sandbox.store, name)
        if account is None or account.password != password:
            self._refused(name)
            raise Unauthorized
        if line.account != account.username:
            self._accepted(call, line, account)
        return account

    def _ntlm(self, call: Call, line: _Line, token: str, scheme: str) -> Account:
        try:
            message = base64.b64decode(token, validate=True)
        except binascii.Error:
            raise Unauthorized from None
        if line.handshake is None or message[8:9] == b"\x01":
            self._write_accounts()
            protocol = "ntlm" if message.startswith(b"NTLMSSP\0") else "negotiate"
            # Without Kerberos: its library is not everywhere, and there is no domain.
            line.handshake = spnego.server(protocol=protocol, options=spnego.NegotiateOptions.use_negotiate)
            line.account = None
        try:
            challenge = line.handshake.step(message)
        except spnego.exceptions.SpnegoError:
            line.handshake = None
            self._refused(_name_in(message))
            raise Unauthorized from None
        if not line.handshake.complete:
            raise Unauthorized(challenge, scheme)
        account = account_named(self._sandbox.store, line.handshake.client_principal or "")
        line.handshake = None
        if account is None:
            raise Unauthorized
        self._accepted(call, line, account)
        return account

    def _write_accounts(self) -> None:
        """pyspnego reads the accounts from the file NTLM_USER_FILE names: user:uid:LM:NT:flags:time."""
        self._file.touch(mode=0o600)
        self._file.write_text(
            "".join(
                f"{account.username}:0:{'0' * 32}:{ntowfv1(account.password).hex().upper()}:[U]:LCT-0\n"
                for account in accounts(self._sandbox.store)
                if account.enabled
            )
        )
        os.environ["NTLM_USER_FILE"] = str(self._file)

    def _accepted(self, call: Call, line: _Line, account: Account) -> None:
        line.account = account.username
        call.logged_on = account.username
        self._sandbox.store.count(account.username, "logons")

    def _refused(self, name: str) -> None:
        self._sandbox.store.count(name, "logons_refused")


def _name_in(authenticate: bytes) -> str:
    """The account an NTLM AUTHENTICATE message names, for the count of refused log-ons."""
    try:
        message = Authenticate.unpack(authenticate)
    except (ValueError, IndexError):
        return ""
    domain = f"{message.domain_name}\\" if message.domain_name else ""
    return f"{domain}{message.user_name or ''}"
