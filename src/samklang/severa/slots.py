"""Turns and places of a client's requests, shared by every process of the installation: implements `pace.Slots`."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import connection

from samklang.connectors.severa.access import SeveraAccess
from samklang.connectors.severa.pace import MOST, RATE, SPAN
from samklang.severa.models import NextRequest, RequestPlace

_TURNS, _PLACES = NextRequest._meta.db_table, RequestPlace._meta.db_table
#: Seconds a turn is ahead at most, and a place is taken: a database whose clock was set back must not keep everybody
#: waiting, nor a process that was killed within a request.
_FARTHEST, _LONGEST = 600, 300
#: One statement, by the database's clock: whoever asks gets a turn of his own, `apart` after the one before.
_TAKE = f"""
    insert into {_TURNS} as held (client, at) values (%(client)s, clock_timestamp() + %(apart)s * interval '1 second')
    on conflict (client) do update set at = %(apart)s * interval '1 second' + greatest(
        clock_timestamp(), least(held.at, clock_timestamp() + {_FARTHEST} * interval '1 second'))
    returning greatest(0, extract(epoch from at - clock_timestamp()) - %(apart)s)
"""  # noqa: S608
_HOLD = f"""
    insert into {_TURNS} as held (client, at) values (%(client)s, clock_timestamp() + %(wait)s * interval '1 second')
    on conflict (client) do update
        set at = greatest(held.at, clock_timestamp() + %(wait)s * interval '1 second')
"""  # noqa: S608
#: The places there are, made when first asked for.
_LAY = f"""
    insert into {_PLACES} (client, number, free) select %(client)s, number, clock_timestamp()
    from generate_series(1, {MOST}) as number on conflict do nothing
"""  # noqa: S608
_ENTER = f"""
    update {_PLACES} set free = clock_timestamp() + {_LONGEST} * interval '1 second' where id = (
        select id from {_PLACES} where client = %(client)s
            and not free between clock_timestamp() and clock_timestamp() + {_LONGEST} * interval '1 second'
        order by free limit 1 for update skip locked)
    returning number
"""  # noqa: S608
_LEAVE = f"""
    update {_PLACES} set free = clock_timestamp() + %(span)s * interval '1 second'
    where client = %(client)s and number = %(number)s
"""  # noqa: S608


class SharedSlots:
    """Not to be asked inside a transaction: that would keep every other process waiting until it ends.

    `speed`: how many times faster than Severa's own is the second it counts in.
    """

    def __init__(self, access: SeveraAccess, speed: float = 1.0) -> None:
        self._client = hashlib.sha256(f"{access.root}\n{access.client_id}".encode()).hexdigest()
        self._apart = 1 / RATE / speed
        self._span = SPAN / speed
        self._laid = False

    def take(self) -> float:
        return float(self._run(_TAKE, apart=self._apart) or 0)

    def enter(self) -> int | None:
        if not self._laid:
            self._run(_LAY)
            self._laid = True
        place: int | None = self._run(_ENTER)
        return place

    def leave(self, place: int) -> None:
        self._run(_LEAVE, number=place, span=self._span)

    def hold(self, seconds: float) -> None:
        self._run(_HOLD, wait=seconds)

    def _run(self, statement: str, **values: float) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"client": self._client, **values})
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None
