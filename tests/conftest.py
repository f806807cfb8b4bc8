"""What every test run shares: its own data folder, and a PostgreSQL that is started when the first test needs one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import hypothesis
import pytest

pytest_plugins = ["tests.ledger", "tests.sandbox_client"]

# The same examples at every run: a test that fails on a build server fails on every machine. New ones with
# SAMKLANG_EXAMPLES=new; what they find becomes a test of its own.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("default" if os.environ.get("SAMKLANG_EXAMPLES") == "new" else "repeatable")

#: A PostgreSQL whose role may create databases; unset: the embedded one is started in the run's own folder.
GIVEN = os.environ.get("DATABASE_URL")
FOLDER = tempfile.TemporaryDirectory(prefix="samklang-tests-")
LEDGER = tempfile.TemporaryDirectory(prefix="samklang-ledger-")

os.environ["SAMKLANG_DATA"] = FOLDER.name
os.environ["SAMKLANG_TEST_MODE"] = "1"
os.environ.setdefault("SAMKLANG_SANDBOX_LEDGER", str(Path(LEDGER.name, "ledger")))  # see `tests.ledger`
os.environ["DATABASE_URL"] = GIVEN or "postgresql://samklang@/samklang?host=/nonexistent"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")

from django.conf import settings  # noqa: E402  # reads the settings above when first used

settings.DATABASES  # noqa: B018  # … which is now, so that pytest-django sets Django up before tests are imported


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Address of the PostgreSQL of this test run."""
    if GIVEN:
        yield GIVEN
        return
    from samklang.database import ensure

    with ensure(Path(FOLDER.name), settings={"fsync": "off", "synchronous_commit": "off"}) as database:
        yield database.url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_url: str) -> None:
    """Point Django at the test run's PostgreSQL before pytest-django makes the test database there."""
    from django.db import connections

    url = urlsplit(database_url)
    query = dict(parse_qsl(url.query))
    connections.databases["default"].update(
        NAME=url.path.lstrip("/"),
        USER=unquote(url.username or ""),
        PASSWORD=unquote(url.password or ""),
        HOST=query.get("host") or url.hostname or "",
        PORT=str(url.port or query.get("port", "")),
    )


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> None:
    """Argon2 as in production, but with little work: tests hash hundreds of passwords."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    Argon2PasswordHasher.time_cost = 1
    Argon2PasswordHasher.memory_cost = 8
    Argon2PasswordHasher.parallelism = 1
