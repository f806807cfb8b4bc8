"""What Django makes of the installation's settings (`samklang.config`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from samklang.config import config
from samklang.logs import TO_STDERR


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


def _mail() -> dict[str, Any]:
    """Django's settings for `smtp://user:password@host:port` (STARTTLS, unless `?starttls=no`) or `smtps://…` (TLS from
    the first byte)."""
    configured = config().smtp_url
    if configured is None:
        return {"EMAIL_BACKEND": "samklang.accounts.outbox.Outbox"}
    parts = urlsplit(configured.get_secret_value())
    tls = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (465 if tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": tls,
        "EMAIL_USE_TLS": not tls and parts.query != "starttls=no",
        # Somebody waits for the page.
        "EMAIL_TIMEOUT": 20,
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
_OURS = (urlsplit(address).hostname for address in (config().public_url, config().notification_url))
ALLOWED_HOSTS = [*filter(None, _OURS), "127.0.0.1", "localhost", "[::1]"]
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
    "samklang.severa",
    "samklang.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "samklang.web.middleware.SafePages",
    "samklang.web.unanswered.InTheirWords",
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
LOGGING = TO_STDERR
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
#: Seconds an invitation is good for.
PASSWORD_RESET_TIMEOUT = 7 * 86_400
globals().update(_mail())
DEFAULT_FROM_EMAIL = config().mail_from or f"samklang@{urlsplit(config().public_url).hostname}"
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
