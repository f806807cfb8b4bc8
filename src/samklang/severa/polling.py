"""One question for everybody of an organization: what changed in its Severa (rule 9.2)?

Severa tells nobody of changes, and only Severa sees who signs in there. So it is asked once a minute, in two requests
while nothing changes; whoever owns what did, or takes part in it, is due at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from samklang.accounts.models import Organization
from samklang.clock import real_now
from samklang.connectors.severa.organization import FRESH
from samklang.mailboxes import dirty, services
from samklang.mailboxes.models import Connection, Mailbox
from samklang.severa.models import Arrangement, MirrorRow
from samklang.severa.opening import opened
from samklang.sync.errors import ConnectionRefused, SyncError, Throttled

log = logging.getLogger("samklang.severa")

#: Less than what a mailbox's own run believes in, so that it asks for nothing itself.
EVERY = FRESH - timedelta(seconds=10)
#: After a failure; mailboxes are synced meanwhile, and meet the failure themselves.
_RETRY = timedelta(minutes=5)


def claim(now: datetime) -> list[int]:
    """The arrangements whose poll is due at `now` (real time), each of them given to the caller alone."""
    connections = Connection.objects.filter(enabled=True, paused_code="", mailboxes__on=True)
    due = Arrangement.objects.filter(
        poll_due__lte=now, organization__psa=Organization.Psa.SEVERA, organization__connection__in=connections
    )
    found = due.values_list("pk", flat=True).distinct()
    return [pk for pk in found if Arrangement.objects.filter(pk=pk, poll_due__lte=now).update(poll_due=now + EVERY)]


def poll(arrangement_id: int) -> None:
    """Bring the mirror up to date, and make everybody due whom a change concerns.

    Never raises for what went wrong outside.
    """
    arrangement = Arrangement.objects.select_related("organization").get(pk=arrangement_id)
    try:
        with opened(arrangement, fresh=EVERY / 2) as severa:
            severa.feed.refresh()
    except SyncError as error:
        _failed(arrangement, error)
    else:
        tell(arrangement)


@transaction.atomic
def tell(arrangement: Arrangement) -> None:
    """Make the mailboxes due of all whom a change in the mirror concerns that they were not told of."""
    held = Arrangement.objects.select_for_update().get(pk=arrangement.pk)
    rows = MirrorRow.objects.filter(mirror__organization=held.organization_id, number__gt=held.told)
    news = list(rows.values_list("number", "users", "left"))
    if not news:
        return
    held.told = max(number for number, _users, _left in news)
    held.save(update_fields=["told"])
    concerned = _concerned((users, left) for _number, users, left in news)
    theirs = Mailbox.objects.filter(user__organization=held.organization_id, user__severa_id__in=concerned, on=True)
    dirty.hint(theirs.filter(connection__enabled=True).values_list("id", flat=True))


def _concerned(news: Iterable[tuple[list[str], dict[str, int]]]) -> set[str]:
    return {user for users, left in news for user in (*users, *left)}


def _failed(arrangement: Arrangement, error: SyncError) -> None:
    """Refused, everything pauses after this one attempt (rule 10.3); else Severa is left alone for a while."""
    log.info("severa was not read", extra={"action": "severa_poll_failed", "code": error.code})
    if isinstance(error, ConnectionRefused):
        connection = services.connection_of(arrangement.organization)
        services.pause(connection, error.code, error.detail, real_now())
    asked = error.retry_after if isinstance(error, Throttled) else None
    wait = _RETRY if asked is None else timedelta(seconds=asked)
    Arrangement.objects.filter(pk=arrangement.pk).update(poll_due=real_now() + wait)
