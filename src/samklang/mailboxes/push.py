"""Mailboxes that tell of changes by themselves (rule 9.2): a notice marks its mailbox due, and that is all it does.

Over Graph the mailbox's own run sees to its subscription, before it reads: runs of a mailbox follow each other, so it
has one owner, and whatever happened before the subscription stood is read by the run that made it.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Min, Q

from samklang.clock import now
from samklang.config import config
from samklang.connectors.graph.notifications import LIFE, Life, Notice, Notices, Subscription, Subscriptions
from samklang.mailboxes import access, dirty
from samklang.mailboxes.models import Connection, Mailbox, Push
from samklang.mailboxes.secrets import open_sealed, seal
from samklang.sync.errors import ConnectionRefused, SyncError, Throttled

log = logging.getLogger("samklang.push")

#: Below the installation's public address: where Graph sends its notices.
PATH = "/notices/graph"
#: After a failure the next try: polling goes on meanwhile.
_RETRY = timedelta(hours=1)


def url() -> str:
    """Where Microsoft reaches us; "" when the operator named no address."""
    base = config().notification_url.rstrip("/")
    return base + PATH if base else ""


def tend(mailbox: Mailbox) -> None:
    """See to the mailbox's subscription, once it is known. Only within its run, which no failure here stops.

    Raises Throttled and ConnectionRefused: they are about the mailbox and the connection, and the run would meet them.
    """
    push = Push.objects.filter(mailbox=mailbox).first()
    if not _is_wanted(mailbox):
        if push is not None and push.subscription_id and mailbox.connection.is_office365:
            _try(mailbox, push, _given_up)
        return
    if mailbox.directory_id is None:
        return
    push = push or Push(mailbox=mailbox)
    if push.tend_at is None or push.tend_at <= now() or push.made_for != _made_for(mailbox):
        _try(mailbox, push, _renewed_or_made)


def _is_wanted(mailbox: Mailbox) -> bool:
    connection = mailbox.connection
    return bool(url()) and connection.is_office365 and connection.mode == Connection.Mode.CONTINUOUS


def _made_for(mailbox: Mailbox) -> str:
    return f"{mailbox.directory_id} {url()}"


def _try(mailbox: Mailbox, push: Push, act: Any) -> None:
    push.tend_at = now() + _RETRY
    push.save()
    try:
        with access.subscriptions(mailbox) as subscriptions:
            act(mailbox, push, subscriptions)
        push.error_code = ""
    except SyncError as error:
        push.error_code = error.code
        if isinstance(error, Throttled | ConnectionRefused):
            raise
    finally:
        push.save()


def _renewed_or_made(mailbox: Mailbox, push: Push, subscriptions: Subscriptions) -> None:
    if push.subscription_id and push.made_for != _made_for(mailbox):
        _given_up(mailbox, push, subscriptions)
    until = now() + LIFE
    made = subscriptions.renew(push.subscription_id, until) if push.subscription_id else None
    if made is None:
        secret = secrets.token_urlsafe(32)
        push.subscription_id, push.made_for, push.secret = "", _made_for(mailbox), seal(secret)
        made = subscriptions.make(url(), secret, until)
    _stands(push, made)


def _stands(push: Push, made: Subscription) -> None:
    push.subscription_id, push.expires_at = made.id, made.expiration_date_time
    # Halfway, so that some days of trouble cost nothing.
    push.tend_at = now() + (made.expiration_date_time - now()) / 2


def _given_up(mailbox: Mailbox, push: Push, subscriptions: Subscriptions) -> None:
    subscriptions.end(push.subscription_id)
    push.subscription_id, push.expires_at, push.tend_at = "", None, None


def take(notices: Notices) -> None:
    """Mark due the mailboxes these notices are about; the rest is ignored and, by reason, counted in the log.

    Unknown, doubled, late or false ones change nothing, or cost one look more: a notice proves no change (rule 7.1).
    """
    told = _believed(notices.read)
    told["malformed"] = notices.malformed
    ignored = {reason: count for reason, count in told.items() if count and reason != "taken"}
    if ignored:
        log.info("notices ignored", extra={"action": "notices_ignored", **ignored})


def _believed(notices: Sequence[Notice]) -> Counter[str]:
    ids = {notice.subscription_id for notice in notices} - {""}
    rows = Push.objects.filter(subscription_id__in=ids).select_related("mailbox__connection")
    known = {push.subscription_id: push for push in rows}
    told: Counter[str] = Counter()
    due: dict[int, None] = {}
    with transaction.atomic():
        for notice in notices:
            push = known.get(notice.subscription_id)
            what = _judged(notice, push)
            told[what] += 1
            if push is not None and what == "taken":
                due[push.mailbox_id] = None
                _lived(push, notice)
            elif push is not None:
                Push.objects.filter(pk=push.pk).update(ignored=F("ignored") + 1)
        dirty.hint(due)
    return told


def _judged(notice: Notice, push: Push | None) -> str:
    if push is None:
        return "unknown"
    if not notice.is_from_graph(open_sealed(push.secret)):
        return "false"
    if notice.lifecycle_event is not None and notice.lifecycle_event not in list(Life):
        return "unknown_event"
    if not (push.mailbox.on and push.mailbox.connection.enabled):
        return "switched_off"
    return "taken"


def _lived(push: Push, notice: Notice) -> None:
    values: dict[str, Any] = {"notices": F("notices") + 1}
    if notice.lifecycle_event in (Life.REAUTHORIZE, Life.REMOVED):
        values["tend_at"] = now()
    if notice.lifecycle_event == Life.REMOVED:
        values |= {"subscription_id": "", "expires_at": None}
    Push.objects.filter(pk=push.pk).update(**values)


def state(connection: Connection) -> dict[str, Any]:
    """How an organization's mailboxes are kept up to date: numbers and codes, for page and API."""
    rows = connection.mailboxes.filter(on=True, first_run_done=True)
    dates = rows.aggregate(first=Min("reconciled_on"), last=Max("reconciled_on"))
    telling = Push.objects.filter(mailbox__in=rows, expires_at__gt=now())
    return {
        "mode": connection.mode,
        "push": _means(connection),
        "mailboxes": rows.count(),
        "telling": telling.count(),
        "troubled": Push.objects.filter(~Q(error_code=""), mailbox__in=rows).count(),
        "reconciled_first": dates["first"],
        "reconciled_last": dates["last"],
    }


def _means(connection: Connection) -> str:
    """ "graph" or "ews"; else why there is no push: "on_use", "no_address", "old_server"."""
    if connection.mode != Connection.Mode.CONTINUOUS:
        return "on_use"
    if connection.is_office365:
        return "graph" if url() else "no_address"
    return "ews" if access.streams(connection) else "old_server"


def listening(mailbox_ids: Iterable[int], until: datetime) -> None:
    """These mailboxes are heard over EWS until then."""
    for mailbox_id in mailbox_ids:
        Push.objects.update_or_create(mailbox_id=mailbox_id, defaults={"expires_at": until, "error_code": ""})


def deaf(mailbox_ids: Iterable[int], code: str) -> None:
    """These are not heard over EWS for now, for this reason; they are polled."""
    for mailbox_id in mailbox_ids:
        Push.objects.update_or_create(mailbox_id=mailbox_id, defaults={"expires_at": None, "error_code": code})
