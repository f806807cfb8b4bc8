"""Somebody is let in by a mail: its link leads to a page where he sets his password.

The link is good for `settings.PASSWORD_RESET_TIMEOUT`, until a password is set: it is Django's token, made with the
user's present state, so nothing of it is kept.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import transaction
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from samklang.accounts.models import User
from samklang.accounts.services import audit
from samklang.config import config

log = logging.getLogger("samklang.accounts")

#: Below the installation's public address.
PATH = "/invitation"


@dataclass(frozen=True, slots=True)
class Invitation:
    user: User
    #: Lets whoever has it set the user's password: for him, and for an administrator where no mail goes out.
    link: str
    #: A mail server took it.
    sent: bool


def may_be_invited(user: User) -> bool:
    """He is active and never had a password: a link would take over the account of anybody else."""
    return user.is_active and not user.has_usable_password()


def invite(user: User, by: User | None) -> Invitation:
    """Mail the user a link to set his password, in his language; written to the outbox where there is no mail server.

    Raises ValueError for who may not be invited.
    """
    if not may_be_invited(user):
        raise ValueError("has a password, or is inactive")
    with transaction.atomic():
        audit(user.organization, "user.invite", by=by, subject=user.guid)
    link = f"{config().public_url.rstrip('/')}{PATH}/{_name(user)}/{default_token_generator.make_token(user)}"
    return Invitation(user, link, _mail(user, link, by))


def _name(user: User) -> str:
    return urlsafe_base64_encode(force_bytes(user.pk))


def _mail(user: User, link: str, by: User | None) -> bool:
    with translation.override(user.language):
        subject = _("Your account in Samklang")
        text = _(
            "Hello %(name)s,\n\n%(who)s invites you to Samklang, which keeps your calendar in Outlook and your "
            "activities alike. Set your password here:\n\n%(link)s\n\nThe link is good for %(days)d days. Afterwards "
            "ask for another one."
        )
        if user.organization.microsoft_tenant:
            text += "\n\n" + _("Or sign in with your Microsoft account, without a password: %(page)s")
        who = by.name if by else user.organization.name
        days = settings.PASSWORD_RESET_TIMEOUT // 86_400
        page = f"{config().public_url.rstrip('/')}/sign-in"
        values = {"name": user.name, "who": who, "link": link, "days": days, "page": page}
    try:
        send_mail(subject, text % values, None, [user.email])
    except (OSError, SMTPException) as error:
        log.warning("mail not sent", extra={"action": "mail_failed", "error": type(error).__name__})
        return False
    return config().smtp_url is not None
