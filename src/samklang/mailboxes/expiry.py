"""When the app's credential ends, told ahead: Microsoft tells nobody, and then all tenants fail at once (Graph facts
§2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date

from cryptography import x509

from samklang.clock import real_now
from samklang.config import config
from samklang.mailboxes.models import Connection

#: Days ahead from which a notice is shown, each more urgent than the one before.
NOTICES = (60, 30, 7)


@dataclass(frozen=True, slots=True)
class Credential:
    #: "secret" or "certificate".
    kind: str
    #: The last day it is good, UTC; None: the operator did not say.
    ends: date | None
    #: Until then; negative when it is over.
    days: int | None = None

    @property
    def notice(self) -> int | None:
        """Which of `NOTICES` is due, the most urgent; 0 when it has ended; None while there is time."""
        if self.days is None or self.days > max(NOTICES):
            return None
        return 0 if self.days < 0 else min(ahead for ahead in NOTICES if self.days <= ahead)


def of(connection: Connection) -> Credential | None:
    """What this installation proves itself to Microsoft with; None where the connection needs none of it."""
    return of_installation() if connection.is_office365 else None


def of_installation() -> Credential | None:
    settings = config()
    if settings.app_certificate is not None:
        kind, ends = "certificate", _end_in(settings.app_certificate.read_bytes())
    elif settings.app_secret is not None:
        kind, ends = "secret", settings.app_secret_expires
    else:
        return None
    return Credential(kind, ends, (ends - real_now().date()).days if ends else None)


def _end_in(pem: bytes) -> date | None:
    """Of the first certificate, which is the one sent; None where there is none: signing in says so."""
    try:
        return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc.astimezone(UTC).date()
    except ValueError:
        return None
