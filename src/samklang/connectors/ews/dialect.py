"""What differs between Exchange versions on the wire, as a value (EWS facts §2.4)."""

from __future__ import annotations

from dataclasses import dataclass

from samklang.sync.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Dialect:
    """How we speak to one generation of servers.

    Everything from 15.0.847 on is spoken to as Exchange2013_SP1: later versions have no value of their own that every
    server accepts (EWS facts §2.1).
    """

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

    @property
    def takes_primary_alone(self) -> bool:
        """Users are impersonated by their primary address and no other (EWS facts §2.2)."""
        return self.connecting_address == "PrimarySmtpAddress"


EXCHANGE_2013_SP1 = Dialect("Exchange2013_SP1")
#: Service packs of 2010 add nothing we need, so every one of them understands this.
EXCHANGE_2010 = Dialect("Exchange2010", working_elsewhere=False, zone_ids=False)
EXCHANGE_2007 = Dialect(
    "Exchange2007_SP1",
    connecting_address="PrimarySmtpAddress",
    working_elsewhere=False,
    zone_ids=False,
    first_day_of_week=False,
    two_zones=False,
)

#: Dialect by the product an administrator chooses (rule 1.1).
DIALECTS = {
    "2007": EXCHANGE_2007,
    "2010": EXCHANGE_2010,
    "2013": EXCHANGE_2013_SP1,
    "2016": EXCHANGE_2013_SP1,
    "2019": EXCHANGE_2013_SP1,
    "se": EXCHANGE_2013_SP1,
}


def dialect_of(version: str) -> Dialect:
    """The dialect of a product; raises `Unavailable` ("version_not_supported") for one we do not speak to."""
    try:
        return DIALECTS[version.lower()]
    except KeyError:
        raise Unavailable("version_not_supported", version) from None
