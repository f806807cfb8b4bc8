"""The end of what Samklang signs in to Microsoft with is shown, and told 60, 30 and 7 days ahead."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import translation

from samklang.cli import main
from samklang.config import config
from tests.web.house import House, as_person, as_program

pytestmark = pytest.mark.django_db

_PAGE = "/settings/integrations/microsoft-exchange"


@pytest.fixture(autouse=True)
def microsoft(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.connection.version = "office365"
    house.connection.save()
    monkeypatch.setattr("samklang.cli.connection.open_database", lambda: None)
    monkeypatch.setenv("SAMKLANG_APP_ID", "5a3c1a9e-0000-4000-8000-0000000000a1")


def _secret_ends(monkeypatch: pytest.MonkeyPatch, days: int) -> str:
    end = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    monkeypatch.setenv("SAMKLANG_APP_SECRET", "hush")
    monkeypatch.setenv("SAMKLANG_APP_SECRET_EXPIRES", end)
    config.cache_clear()
    return end


def _said(house: House) -> str:
    with translation.override("en"):
        return as_person(house.alice).get(_PAGE, headers={"Accept-Language": "en"}).content.decode()


@pytest.mark.parametrize(
    ("days", "notice"), [(200, None), (61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7), (-1, 0)]
)
def test_the_secrets_end_is_told_ahead(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], days: int, notice: int | None
) -> None:
    end = _secret_ends(monkeypatch, days)
    with pytest.raises(SystemExit):
        main(["connection", "show", "--org", house.alice.organization.name, "--json"])
    by_command = json.loads(capsys.readouterr().out)
    by_api = as_program(house.alice).get("/api/connection").json()
    for shown in (by_command, by_api):
        assert (shown["credential"], shown["credential_ends"]) == ("secret", end)
        assert shown["credential_notice"] == notice
    page = _said(house)
    assert ("What Samklang signs in to Microsoft with end" in page) is (notice is not None)
    assert ("ended on" in page) is (notice == 0)
    assert "The secret this installation signs in with is good until" in page


def test_a_certificates_end_is_read_from_its_file(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, end = tmp_path / "app.pem", datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    file.write_bytes(_certificate(end))
    _secret_ends(monkeypatch, 400)
    monkeypatch.setenv("SAMKLANG_APP_CERTIFICATE", str(file))
    config.cache_clear()
    shown = as_program(house.alice).get("/api/connection").json()
    assert shown["credential"] == "certificate", "it is what is used where there are both"
    assert (shown["credential_ends"], shown["credential_notice"]) == (end.date().isoformat(), 30)
    assert "The certificate this installation signs in with is good until" in _said(house)


def test_a_secret_whose_end_nobody_told_and_an_exchange_server_have_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMKLANG_APP_SECRET", "hush")
    config.cache_clear()
    shown = as_program(house.alice).get("/api/connection").json()
    assert (shown["credential"], shown["credential_ends"], shown["credential_notice"]) == ("secret", None, None)
    _secret_ends(monkeypatch, 3)
    house.connection.version = "2016"
    house.connection.save()
    assert as_program(house.alice).get("/api/connection").json()["credential"] is None
    assert "signs in to Microsoft with" not in _said(house)


def _certificate(end: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "samklang")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(end - timedelta(days=365)).not_valid_after(end)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
