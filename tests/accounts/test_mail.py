"""How Samklang's own mail goes out."""

from __future__ import annotations

import email
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage, get_connection

from samklang import settings
from samklang.config import Config, config


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    config.cache_clear()
    yield
    monkeypatch.undo()
    config.cache_clear()


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        (
            "smtp://anna%40example.com:p%2Fw@mail.example",
            {
                "EMAIL_HOST": "mail.example",
                "EMAIL_PORT": 587,
                "EMAIL_HOST_USER": "anna@example.com",
                "EMAIL_HOST_PASSWORD": "p/w",
                "EMAIL_USE_TLS": True,
                "EMAIL_USE_SSL": False,
            },
        ),
        ("smtps://mail.example", {"EMAIL_PORT": 465, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}),
        ("smtp://mail.example:25?starttls=no", {"EMAIL_PORT": 25, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False}),
    ],
)
def test_a_mail_server_is_one_address(monkeypatch: pytest.MonkeyPatch, url: str, meant: dict[str, Any]) -> None:
    monkeypatch.setenv("SAMKLANG_SMTP_URL", url)
    made = settings._mail()
    assert {name: made[name] for name in meant} == meant
    assert "p%2Fw" not in str(config().model_dump(mode="json"))


def test_another_kind_of_address_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with smtp"):
        Config(smtp_url="https://mail.example")  # type: ignore[arg-type]


def test_without_a_mail_server_each_mail_is_a_file_for_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAMKLANG_DATA", str(tmp_path))
    backend = get_connection(settings._mail()["EMAIL_BACKEND"])
    for name in ("Anna", "Bo"):
        EmailMessage("Hej", f"Välkommen {name}", to=[f"{name}@example.com"], connection=backend).send()
    files = list((tmp_path / "outbox").glob("*.eml"))
    assert {email.message_from_bytes(file.read_bytes())["To"] for file in files} == {
        "Anna@example.com",
        "Bo@example.com",
    }
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert oct((tmp_path / "outbox").stat().st_mode & 0o777) == "0o700"
