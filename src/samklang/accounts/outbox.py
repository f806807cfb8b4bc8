"""Where mails go while nobody named a mail server: files in the data folder, for the operator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from uuid import uuid4

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from samklang.clock import real_now
from samklang.config import config


class Outbox(BaseEmailBackend):
    """Writes each mail to `outbox/….eml`, for the account Samklang runs as alone: the links in it let people in."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = config().data / "outbox"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            path = folder / f"{real_now():%Y%m%dT%H%M%S}-{uuid4().hex[:8]}.eml"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(message.message().as_bytes())
        return len(email_messages)
