"""Sealing: whatever a person typed or a server entrusted to us is encrypted at rest.

Keys lie in `keys/secrets` of the data folder, one Fernet key a line, newest first: a new first line rotates, old lines
still open. Made at first start. With `DATABASE_URL` every host needs the same file; its fingerprint is in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from samklang.config import config


class WrongKeyFile(Exception):
    """The key file in the data folder is not the one this database was sealed with."""


def _key_file() -> Path:
    return config().data / "keys" / "secrets"


def ensure_keys() -> None:
    """Make the key file at first start (0600 in a 0700 folder); leave an existing one alone."""
    path = _key_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")


@cache
def _fernet() -> MultiFernet:
    ensure_keys()
    return MultiFernet([Fernet(line) for line in _key_file().read_bytes().split() if line])


def fingerprint() -> str:
    """Names the oldest key, which stays through rotations."""
    ensure_keys()
    return hashlib.sha256(_key_file().read_bytes().split()[-1]).hexdigest()[:32]


def check_key_file() -> None:
    """Refuse to start on a database sealed with other keys. Raises WrongKeyFile."""
    from samklang.mailboxes.models import Installation

    row, _ = Installation.objects.get_or_create(pk=1, defaults={"key_fingerprint": fingerprint()})
    if row.key_fingerprint != fingerprint():
        raise WrongKeyFile(
            f"{_key_file()} is not the key file this database was sealed with. "
            "Put back the file from the first host's keys/ folder or from the backup."
        )


def keyed_digest(text: str) -> str:
    """Names a secret without telling it: nobody without the oldest key can try secrets against it."""
    ensure_keys()
    return hmac.digest(_key_file().read_bytes().split()[-1], text.encode(), "sha256").hex()


def seal(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode() if text else ""


def open_sealed(sealed: str) -> str:
    """Raises WrongKeyFile when no key opens it."""
    if not sealed:
        return ""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise WrongKeyFile("No key in the key file opens a stored secret; was keys/secrets replaced?") from None


def seal_json(value: Any) -> bytes:
    """Compressed and sealed; small values stay below 2 kB a link."""
    packed = zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 6)
    return _fernet().encrypt(packed)


def open_json(sealed: bytes | memoryview) -> Any:
    if not sealed:
        return {}
    try:
        return json.loads(zlib.decompress(_fernet().decrypt(bytes(sealed))))
    except InvalidToken:
        raise WrongKeyFile("No key in the key file opens a stored base; was keys/secrets replaced?") from None


class SealedBase:
    """Both sides' base of one link, opened at first use: an idle run over 5,000 links opens none."""

    __slots__ = ("_opened", "_sealed")

    def __init__(self, sealed: bytes | memoryview) -> None:
        self._sealed = sealed
        self._opened: dict[str, dict[str, str]] | None = None

    def side(self, name: str) -> dict[str, str]:
        if self._opened is None:
            self._opened = open_json(self._sealed)
        return self._opened.get(name, {})


class SealedFields(Mapping[str, str]):
    """One side of a `SealedBase` as the engine's `Fields`."""

    __slots__ = ("_base", "_name")

    def __init__(self, base: SealedBase, name: str) -> None:
        self._base = base
        self._name = name

    def __getitem__(self, key: str) -> str:
        return self._base.side(self._name)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._base.side(self._name))

    def __len__(self) -> int:
        return len(self._base.side(self._name))
