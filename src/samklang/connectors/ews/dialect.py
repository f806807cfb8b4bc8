"""What differs between Exchange versions on the wire, and which server speaks what (EWS facts §2.1, §2.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from samklang.sync.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Dialect:
    """How we speak to one generation of servers."""

    #: RequestServerVersion@Version, a literal of the schema.
    version: str
    #: Child of ConnectingSID that holds the user's address; SmtpAddress takes secondary addresses too (2010+).
    connecting_address: str = "SmtpAddress"
    #: LegacyFreeBusyStatus knows WorkingElsewhere; where it does not, the time shows as free.
    working_elsewhere: bool = True
    #: StartTimeZoneId and EndTimeZoneId can be read; else the whole definitions have to be.
    zone_ids: bool = True
    #: WeeklyRecurrence may carry FirstDayOfWeek; else weeks start on Sunday (no source; as in Outlook's own default).
    first_day_of_week: bool = True
    #: An event has zones for its start and its end; else one MeetingTimeZone, by name (EWS facts §2.5).
    two_zones: bool = True
    #: The server tells of changes over a connection that stays open (EWS facts §2.3).
    streaming: bool = True

    @property
    def takes_primary_alone(self) -> bool:
        """Users are impersonated by their primary address and no other (EWS facts §2.2)."""
        return self.connecting_address == "PrimarySmtpAddress"


EXCHANGE_2007 = Dialect(
    "Exchange2007_SP1",
    connecting_address="PrimarySmtpAddress",
    working_elsewhere=False,
    zone_ids=False,
    first_day_of_week=False,
    two_zones=False,
    streaming=False,
)
EXCHANGE_2010 = Dialect("Exchange2010", working_elsewhere=False, zone_ids=False, streaming=False)
EXCHANGE_2010_SP1 = replace(EXCHANGE_2010, version="Exchange2010_SP1", streaming=True)
EXCHANGE_2010_SP2 = replace(EXCHANGE_2010_SP1, version="Exchange2010_SP2")
EXCHANGE_2013 = Dialect("Exchange2013")
#: Later servers have no version of their own that every one of them accepts (EWS facts §2.1).
EXCHANGE_2013_SP1 = replace(EXCHANGE_2013, version="Exchange2013_SP1")


class _Server(NamedTuple):
    """`since`: its first build. `product`: as an administrator chooses it (rule 1.1)."""

    since: tuple[int, ...]
    product: str
    dialect: Dialect


#: Oldest first.
_SERVERS = (
    _Server((8,), "2007", EXCHANGE_2007),
    _Server((14, 0), "2010", EXCHANGE_2010),
    _Server((14, 1), "2010", EXCHANGE_2010_SP1),
    _Server((14, 2), "2010", EXCHANGE_2010_SP2),
    _Server((15, 0), "2013", EXCHANGE_2013),
    _Server((15, 0, 847), "2013", EXCHANGE_2013_SP1),
    _Server((15, 1), "2016", EXCHANGE_2013_SP1),
    _Server((15, 2), "2019", EXCHANGE_2013_SP1),
    _Server((15, 2, 2562), "se", EXCHANGE_2013_SP1),
    _Server((15, 20), "office365", EXCHANGE_2013_SP1),
)
_DIALECTS = tuple(dict.fromkeys(server.dialect for server in _SERVERS))


def dialect_of(product: str, build: str = "") -> Dialect:
    """How to speak to a server: by the build it reported, e.g. "15.0.1497.2", else to the newest of the product.

    A server that turns out to be older is spoken to as `older` says. Raises `Unavailable` ("version_not_supported")
    for a product we do not speak to.
    """
    known = _server(build)
    if known is not None:
        return known.dialect
    spoken = [server.dialect for server in _SERVERS if server.product == product.lower()]
    if not spoken:
        raise Unavailable("version_not_supported", product)
    return spoken[-1]


def older(dialect: Dialect) -> Dialect | None:
    """The one before, for a server that does not know this one's version; None: it is the oldest."""
    place = _DIALECTS.index(dialect)
    return _DIALECTS[place - 1] if place else None


def product_of(build: str) -> str:
    """The product whose build this is; "" when it is none we know."""
    known = _server(build)
    return known.product if known else ""


def _server(build: str) -> _Server | None:
    try:
        parts = tuple(map(int, build.split(".")))
    except ValueError:
        return None
    return next((server for server in reversed(_SERVERS) if server.since <= parts), None)
