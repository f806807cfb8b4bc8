"""Settings of the installation, from the environment or one TOML file, and what Django makes of them.

Every `SAMKLANG_…` name is a field of `Config`; a secret may also come from a file (`SAMKLANG_X_FILE`).
`samklang config` prints the effective values without secrets.
"""

from __future__ import annotations

import os
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

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
    smtp_url: SecretStr | None = None
    #: Administrator-given addresses may point to loopback and private ranges.
    allow_private_addresses: bool = False
    test_mode: bool = False
    test_clock: str | None = None
    #: Graph and sign-in addresses (national clouds, sandbox).
    graph_url: str = "https://graph.microsoft.com/v1.0"
    login_url: str = "https://login.microsoftonline.com"
    #: Where the browser goes for consent, when it differs from `login_url` (the sandbox).
    consent_url: str | None = None
    #: Office 365 application of this installation.
    app_id: str = ""
    app_secret: SecretStr | None = None
    app_certificate: Path | None = None
    #: Shortest poll of mode continuous, seconds (rule 9.2).
    poll_seconds: int = 300

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("app_secret", "smtp_url"):
            path = os.environ.get(f"SAMKLANG_{name.upper()}_FILE")
            if path and name not in values:
                values[name] = Path(path).read_text().strip()
        return values

    @model_validator(mode="after")
    def _clock_only_in_tests(self) -> Config:
        if self.test_clock and not self.test_mode:
            raise ValueError("SAMKLANG_TEST_CLOCK is set: it is refused unless SAMKLANG_TEST_MODE=1")
        return self


@cache
def config() -> Config:
    """The settings of this process: environment first, then the TOML file named by `SAMKLANG_CONFIG`."""
    path = os.environ.get("SAMKLANG_CONFIG")
    from_file = tomllib.loads(Path(path).read_text()) if path else {}
    unset = {k: v for k, v in from_file.items() if f"SAMKLANG_{k.upper()}" not in os.environ}
    return Config(**unset)


def _database() -> dict[str, Any]:
    """Django's database entry. The commands start or join the embedded PostgreSQL and set DATABASE_URL themselves."""
    configured = config().database_url
    url = configured.get_secret_value() if configured else "postgresql:///DATABASE_URL_is_not_set"
    parts = urlsplit(url)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.pop("host", "")) or (parts.hostname or ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 24, "timeout": 30}, **query},
        "TEST": {"NAME": os.environ.get("SAMKLANG_TEST_DATABASE", "test_samklang")},
    }


def _secret_key() -> str:
    """Django's signing key, made at first start and kept in the data folder (0600)."""
    keys = config().data / "keys"
    path = keys / "django"
    if not path.exists():
        import secrets

        keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(fd, secrets.token_urlsafe(50).encode())
            os.close(fd)
        except FileExistsError:
            pass
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = [urlsplit(config().public_url).hostname or "127.0.0.1", "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [config().public_url] if config().public_url.startswith("https") else []
ROOT_URLCONF = "samklang.urls"
WSGI_APPLICATION = "samklang.wsgi.application"
APPEND_SLASH = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "samklang.accounts",
    "samklang.activities",
    "samklang.mailboxes",
    "samklang.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "samklang.web.middleware.SafePages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "samklang.web.middleware.SignedIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "samklang.web.context.installation",
            ]
        },
    }
]

DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"

LANGUAGE_CODE = "en"
LANGUAGES = [("sv", "Svenska"), ("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOCALE_PATHS = [Path(__file__).parent / "web" / "locale"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [Path(__file__).parent / "web" / "static"]
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_NAME = "samklang_session"
CSRF_COOKIE_NAME = "samklang_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = config().public_url.startswith("https")
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

TESTING = "pytest" in sys.modules
