"""Exchange Web Services: our own thin client for Exchange Server."""

from samklang.connectors.ews.access import EwsAccess
from samklang.connectors.ews.calendar import EwsCalendar
from samklang.connectors.ews.mailbox import FoundMailbox, find_mailbox, probe, signs_in

__all__ = ["EwsAccess", "EwsCalendar", "FoundMailbox", "find_mailbox", "probe", "signs_in"]
