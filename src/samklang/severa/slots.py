"""The places of a client's requests, shared by every process of the installation: implements `pace.Slots`."""

from __future__ import annotations

import hashlib

from django.db import connection

from samklang.connectors.severa.access import SeveraAccess
from samklang.connectors.severa.pace import RATE
from samklang.severa.models import NextRequest

_TABLE = NextRequest._meta.db_table
#: Seconds a place is ahead at most: a database whose clock was set back must not keep everybody waiting.
_FARTHEST = 600
#: One statement, by the database's clock: whoever asks gets a place of his own, `apart` after the one before.
_TAKE = f"""
    insert into {_TABLE} as held (client, at) values (%(client)s, clock_timestamp() + %(apart)s * interval '1 second')
    on conflict (client) do update set at = %(apart)s * interval '1 second' + greatest(
        clock_timestamp(), least(held.at, clock_timestamp() + {_FARTHEST} * interval '1 second'))
    returning greatest(0, extract(epoch from at - clock_timestamp()) - %(apart)s)
"""  # noqa: S608
_HOLD = f"""
    insert into {_TABLE} as held (client, at) values (%(client)s, clock_timestamp() + %(wait)s * interval '1 second')
    on conflict (client) do update
        set at = greatest(held.at, clock_timestamp() + %(wait)s * interval '1 second')
"""  # noqa: S608


class SharedSlots:
    """Not to be asked inside a transaction: that would keep every other process waiting until it ends."""

    def __init__(self, access: SeveraAccess, rate: float = RATE) -> None:
        self._client = hashlib.sha256(f"{access.root}\n{access.client_id}".encode()).hexdigest()
        self._apart = 1 / rate

    def take(self) -> float:
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, {"client": self._client, "apart": self._apart})
            return float(cursor.fetchone()[0])

    def hold(self, seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, {"client": self._client, "wait": seconds})
