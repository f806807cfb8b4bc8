"""One organization's Severa: everything its mailboxes share, over one client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from samklang.connectors.severa.attendance import Attendance
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.creating import Creations
from samklang.connectors.severa.directory import Directory
from samklang.connectors.severa.feed import Feed
from samklang.connectors.severa.findings import Findings
from samklang.connectors.severa.mirror import Mirror
from samklang.connectors.severa.patching import Patching

#: How old the last poll and the last complete listing may be when a mailbox reads: a poll of all mailboxes together is
#: two requests, a complete listing one for each hundred activities.
FRESH, COMPLETE = timedelta(minutes=1), timedelta(hours=1)
#: And what was read of participants, where a change of theirs is none of their activity: a request each.
PEOPLE = timedelta(days=1)


class SeveraOrganization:
    """Not to be shared between threads.

    `zone`: of the organization, by IANA name. `now`: our clock. `fresh`, `complete`, `people`: see `FRESH`.
    """

    def __init__(
        self,
        client: SeveraClient,
        mirror: Mirror,
        *,
        zone: str,
        now: Callable[[], datetime],
        fresh: timedelta = FRESH,
        complete: timedelta = COMPLETE,
        people: timedelta = PEOPLE,
    ) -> None:
        self.client = client
        self.mirror = mirror
        self.findings = Findings(mirror)
        self.directory = Directory(client, mirror, zone=zone, now=now)
        self.feed = Feed(
            client, mirror, self.directory, self.findings, now=now, fresh=fresh, complete=complete, people=people
        )
        self.patching = Patching(client, self.findings)
        self.attendance = Attendance(client, self.directory)
        self.creations = Creations(client, self.patching, mirror, now)
