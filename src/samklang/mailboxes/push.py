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
    """See to the mailbox's subscription, once it is known, or end it where nobody wants it any longer. Only within its
    run, which no failure here stops.

    Raises Throttled and ConnectionRefused: they are about the mailbox and the connection, and the run would meet them.
    """
    push = Push.objects.filter(mailbox=mailbox).first()
    wanted = _is_wanted(mailbox)
    if push is not None and push.subscription_id and not (wanted and push.made_for == _made_for(mailbox)):
        _end(mailbox, push)
    if not wanted or mailbox.directory_id is None:
        return
    if _is_due(mailbox, push):
        _try(mailbox, push or Push(mailbox=mailbox))


def is_due(mailbox: Mailbox) -> bool:
    """Whether its next run has to see to the subscription."""
    push = Push.objects.filter(mailbox=mailbox).first()
    if not _is_wanted(mailbox):
        return push is not None and bool(push.subscription_id)
    return _is_due(mailbox, push)


def _is_due(mailbox: Mailbox, push: Push | None) -> bool:
    return push is None or push.tend_at is None or push.tend_at <= now() or push.made_for != _made_for(mailbox)


def _is_wanted(mailbox: Mailbox) -> bool:
    connection = mailbox.connection
    syncs = mailbox.on and mailbox.user.is_active and connection.enabled
    return syncs and bool(url()) and connection.is_office365 and connection.mode == Connection.Mode.CONTINUOUS


def _made_for(mailbox: Mailbox) -> str:
    return f"{mailbox.directory_id} {url()}"


def _end(mailbox: Mailbox, push: Push) -> None:
    """Where it was made, be that another tenant by now. One that cannot be ended ends by itself within days, and nobody
    believes its notices any longer."""
    try:
        with access.subscriptions(mailbox.connection, push.made_for.partition(" ")[0]) as subscriptions:
            subscriptions.end(push.subscription_id)
    except Throttled:
        raise
    except SyncError as error:
        log.info("a subscription was not ended", extra={"action": "subscription_left", "code": error.code})
    push.subscription_id, push.expires_at, push.tend_at, push.error_code = "", None, None, ""
    push.save()


def _try(mailbox: Mailbox, push: Push) -> None:
    push.tend_at = now() + _RETRY
    push.save()
    try:
        with access.subscriptions(mailbox.connection, mailbox.directory_id or "") as subscriptions:
            _renew_or_make(mailbox, push, subscriptions)
        push.error_code = ""
    except SyncError as error:
        push.error_code = error.code
        if isinstance(error, Throttled | ConnectionRefused):
            raise
    finally:
        push.save()


def _renew_or_make(mailbox: Mailbox, push: Push, subscriptions: Subscriptions) -> None:
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
    taken: dict[Push, list[Notice]] = {}
    ignored: Counter[Push] = Counter()
    for notice in notices:
        push = known.get(notice.subscription_id)
        what = _judged(notice, push)
        told[what] += 1
        if push is not None and what == "taken":
            taken.setdefault(push, []).append(notice)
        elif push is not None:
            ignored[push] += 1
    with transaction.atomic():
        for push, its in taken.items():
            _lived(push, its)
        for push, count in ignored.items():
            Push.objects.filter(pk=push.pk).update(ignored=F("ignored") + count)
        dirty.hint(push.mailbox_id for push in taken)
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


def _lived(push: Push, notices: Sequence[Notice]) -> None:
    """What these believed notices say of the subscription itself."""
    values: dict[str, Any] = {"notices": F("notices") + len(notices)}
    events = {notice.lifecycle_event for notice in notices}
    if events & {Life.REAUTHORIZE, Life.REMOVED}:
        values["tend_at"] = now()
    if Life.REMOVED in events:
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
