"""Settings of the installation, from the environment or one TOML file.

Every `SAMKLANG_…` name is a field of `Config`; a secret may also come from a file (`SAMKLANG_X_FILE`).
`samklang config` prints the effective values without secrets.
"""

from __future__ import annotations

import os
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_data() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/samklang")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "samklang"


class Config(BaseSettings):
    """The installation's settings. Names in the environment: `SAMKLANG_` + the field in capitals."""

    model_config = SettingsConfigDict(env_prefix="SAMKLANG_", extra="forbid")

    data: Path = Field(default_factory=_default_data)
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    listen: str = "127.0.0.1:8480"
    #: Address users open; links in mails and the consent redirect are made from it.
    public_url: str = "http://127.0.0.1:8480"
    #: PEM file of certificate authorities *added to* the system's.
    ca_file: Path | None = None
    #: smtp:// or smtps://, with user and password; unset, mails are written to `outbox` in the data folder.
    smtp_url: SecretStr | None = None
    #: Sender of our mails; samklang@ the host of `public_url` when unset.
    mail_from: str = ""
    #: Administrator-given addresses may point to loopback and private ranges.
    allow_private_addresses: bool = False
    test_mode: bool = False
    test_clock: str | None = None
    #: How many times faster than Severa's is the second its requests are counted in, as the sandbox has it.
    test_severa_speed: float = Field(default=1, gt=0)
    #: Which of Microsoft's clouds this installation serves: its addresses of sign-in and Graph belong together.
    cloud: Literal["global", "gcc-high", "dod", "china"] = "global"
    #: Other addresses than a cloud's (the sandbox): both or neither.
    graph_url: str | None = None
    login_url: str | None = None
    #: Where the browser goes for consent, when it differs from `login_url` (the sandbox).
    consent_url: str | None = None
    #: Office 365 application of this installation.
    app_id: str = ""
    app_secret: SecretStr | None = None
    app_certificate: Path | None = None
    #: Last day of `app_secret`, as Microsoft showed it when it was made: no program can ask for it.
    app_secret_expires: date | None = None
    #: Public https address of this installation that Microsoft reaches, for change notifications; "": polling alone.
    notification_url: str = ""
    #: Shortest poll of mode continuous, seconds (rule 9.2).
    poll_seconds: int = 300
    #: Days the history goes back: what can be restored and undone (rule 11.2).
    history_days: int = Field(default=30, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("app_secret", "smtp_url"):
            path = os.environ.get(f"SAMKLANG_{name.upper()}_FILE")
            if path and name not in values:
                values[name] = Path(path).read_text().strip()
        return values

    @model_validator(mode="after")
    def _one_cloud(self) -> Config:
        if (self.graph_url is None) != (self.login_url is None):
            raise ValueError(
                "SAMKLANG_GRAPH_URL and SAMKLANG_LOGIN_URL belong together: set both, or SAMKLANG_CLOUD in their place"
            )
        if self.graph_url and self.cloud != "global":
            raise ValueError("SAMKLANG_CLOUD is set beside SAMKLANG_GRAPH_URL and SAMKLANG_LOGIN_URL: choose one way")
        return self

    @model_validator(mode="after")
    def _notices_by_https(self) -> Config:
        if self.notification_url and not self.notification_url.startswith("https://"):
            raise ValueError("SAMKLANG_NOTIFICATION_URL must begin with https://: Microsoft sends notices nowhere else")
        return self

    @model_validator(mode="after")
    def _mail_by_smtp(self) -> Config:
        if self.smtp_url and not self.smtp_url.get_secret_value().startswith(("smtp://", "smtps://")):
            raise ValueError("SAMKLANG_SMTP_URL must begin with smtp:// or smtps://")
        return self

    @model_validator(mode="after")
    def _time_only_in_tests(self) -> Config:
        if self.test_clock and not self.test_mode:
            raise ValueError("SAMKLANG_TEST_CLOCK is set: it is refused unless SAMKLANG_TEST_MODE=1")
        if self.test_severa_speed != 1 and not self.test_mode:
            raise ValueError("SAMKLANG_TEST_SEVERA_SPEED is set: it is refused unless SAMKLANG_TEST_MODE=1")
        return self


@cache
def config() -> Config:
    """The settings of this process: environment first, then the TOML file named by `SAMKLANG_CONFIG`."""
    path = os.environ.get("SAMKLANG_CONFIG")
    from_file = tomllib.loads(Path(path).read_text()) if path else {}
    unset = {k: v for k, v in from_file.items() if f"SAMKLANG_{k.upper()}" not in os.environ}
    return Config(**unset)
