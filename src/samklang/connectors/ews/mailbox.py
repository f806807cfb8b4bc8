"""Finding a user's mailbox, and the connection test that names each step (rule 1.3; EWS facts §2.2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from samklang.connectors import http
from samklang.connectors.ews import operations, wire
from samklang.connectors.ews.access import EwsAccess
from samklang.connectors.ews.codes import OF_IMPERSONATION, OF_SIGN_IN
from samklang.connectors.ews.soap import M, Soap, T, m
from samklang.connectors.steps import Step
from samklang.engine.model import Availability, Entry, Sensitivity, Timed
from samklang.sync.errors import (
    ConnectionRefused,
    ItemError,
    MailboxError,
    NotFound,
    ProtocolError,
    SyncError,
    Throttled,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class FoundMailbox:
    #: Primary SMTP address.
    address: str
    #: "primary" or "alias": how the address asked for matched.
    matched_by: str
    #: Every SMTP address the directory tells, primary first.
    aliases: tuple[str, ...] = ()


def find_mailbox(access: EwsAccess, address: str) -> FoundMailbox:
    """The mailbox with this address, primary or secondary, whatever its case, opened as its user once.

    Raises `MailboxError` ("mailbox_not_found", "mailbox_ambiguous", "impersonation_denied" …), `ConnectionRefused`.
    """
    soap = Soap(access, address)
    try:
        _open_calendar(soap)
        addresses = _addresses(soap, address)
    finally:
        soap.close()
    matched_by = "primary" if addresses[0].casefold() == address.strip().casefold() else "alias"
    return FoundMailbox(addresses[0], matched_by, addresses)


def _open_calendar(soap: Soap) -> None:
    """Open the calendar folder; where the server takes the primary address alone, by that, which the directory tells
    before anybody is impersonated."""
    address = soap.mailbox
    if address is not None and soap.dialect.takes_primary_alone:
        soap.mailbox = None
        try:
            primary = _addresses(soap, address)[0]
        finally:
            soap.mailbox = address
        soap.mailbox = primary
    soap.ask(operations.get_calendar_folder())


def _addresses(soap: Soap, address: str) -> tuple[str, ...]:
    """The directory's addresses of the mailbox, its own one first, the one asked for among them.

    The prefix asks for exactly this address, not for names like it. The contact data of an entry of the directory hold
    up to three of its proxy addresses (schema: EmailAddress1 to 3), "SMTP:" before the primary one, "smtp:" before
    the others.
    """
    request = m("ResolveNames", m("UnresolvedEntry", f"smtp:{address}"), ReturnFullContactData="true")
    try:
        answer = soap.ask(request)
    except MailboxError as error:
        # The mailbox was opened a moment ago: a directory that hides it from address lists does not unmake it.
        if error.code == "mailbox_not_found":
            return (address,)
        raise
    found = {}
    for resolution in answer.iter(T + "Resolution"):
        mailbox = resolution.find(T + "Mailbox")
        if mailbox is not None and mailbox.findtext(T + "MailboxType") in (None, "Mailbox"):
            primary = mailbox.findtext(T + "EmailAddress") or ""
            found[primary.casefold()] = _distinct([primary, *_proxies(resolution), address])
    if address.casefold() in found or not found:
        return found.get(address.casefold(), (address,))
    if len(found) > 1:
        raise MailboxError("mailbox_ambiguous", f"{len(found)} mailboxes")
    return next(iter(found.values()))


def _proxies(resolution: etree._Element) -> list[str]:
    listed = (entry.text or "" for entry in resolution.iterfind(f"{T}Contact/{T}EmailAddresses/{T}Entry"))
    return [entry[5:] for entry in listed if entry[:5].casefold() == "smtp:"]


def _distinct(addresses: list[str]) -> tuple[str, ...]:
    """Each address once, whatever its case."""
    first: dict[str, str] = {}
    for address in addresses:
        first.setdefault(address.strip().casefold(), address.strip())
    return tuple(first.values())


def signs_in(access: EwsAccess) -> bool:
    """Whether the server takes the delegate account's password, in one attempt: the hourly probe (rule 10.3)."""
    soap = Soap(access, None)
    try:
        soap.ask(operations.get_calendar_folder())
    except (ConnectionRefused, MailboxError) as error:
        # An account without a mailbox of its own is signed in all the same.
        return isinstance(error, MailboxError) or error.code == "impersonation_missing"
    except SyncError:
        return False
    finally:
        soap.close()
    return True


def probe(
    access: EwsAccess, now: Callable[[], datetime], address: str | None = None, *, write: bool = False
) -> Iterator[Step]:
    """The connection test up to the first step that fails, which carries its error. One log-on attempt at most.

    Steps: "proxy" if there is one, "address", "certificate", "sign-in", "version" (found: the server's build),
    "impersonation", "calendar read", "calendar write".

    `address`: the user whose mailbox is opened; None ends after the version. `write`: also make an event there and
    remove it at once, only with that user's own leave (rule 1.4).
    """
    for step in _reach(access):
        yield step
        if step.error is not None:
            return
    try:
        soap = Soap(access, address)
    except SyncError as error:
        # The product is not one we speak to.
        yield Step("version", error)
        return
    try:
        for step in _enter(soap, now, write=write):
            yield step
            if step.error is not None:
                return
    finally:
        soap.close()


def _reach(access: EwsAccess) -> Iterator[Step]:
    """Proxy, address and certificate, without any sign-in."""
    error = _error_of(lambda: _greet(access))
    if access.proxy:
        of_the_proxy = error is not None and error.code.startswith("proxy_")
        yield Step("proxy", error if of_the_proxy else None)
        if of_the_proxy:
            return
    if error is not None and error.code in ("tls_too_old", "no_tls", "bad_certificate", "bad_ca_file"):
        yield Step("address")
        yield Step("certificate", error)
        return
    yield Step("address", error)
    if error is None:
        yield Step("certificate")


def _greet(access: EwsAccess) -> None:
    with http.session(ca_file=access.ca_file, allow_private=access.allow_private, proxy=access.proxy) as session:
        status = session.get(access.endpoint).status_code
    if status == 404:
        raise ProtocolError("not_exchange", "HTTP 404")


def _enter(soap: Soap, now: Callable[[], datetime], *, write: bool) -> Iterator[Step]:
    """Sign-in, version, impersonation and calendar folder, which one request passes one after the other; then the
    calendar's entries."""
    error = _of_the_calendar(_error_of(lambda: _open_calendar(soap)))
    if not soap.answered or (error is not None and error.detail in OF_SIGN_IN):
        yield Step("sign-in", error)
        return
    yield Step("sign-in")
    impersonation = error is not None and error.detail in OF_IMPERSONATION
    if isinstance(error, ProtocolError) and not impersonation:
        yield Step("version", error)
        return
    yield Step("version", found=soap.server_build)
    if soap.mailbox is None:
        if isinstance(error, Throttled | Unavailable):
            yield Step("calendar read", error)
        return
    yield Step("impersonation", error if impersonation else None)
    yield Step("calendar read", error or _of_the_calendar(_error_of(lambda: soap.ask(operations.sync_items(None, 1)))))
    if write:
        yield Step("calendar write", _error_of(lambda: _write_and_remove(soap, now())))


def _of_the_calendar(error: SyncError | None) -> SyncError | None:
    """What the server says of an entry otherwise is said of the calendar here: nothing else was asked for."""
    if isinstance(error, NotFound):
        return MailboxError("calendar_not_found", error.detail)
    if isinstance(error, ItemError) and error.detail == "ErrorAccessDenied":
        return MailboxError("access_denied", error.detail)
    return error


def _write_and_remove(soap: Soap, now: datetime) -> None:
    begin = now.replace(microsecond=0) - timedelta(days=1)
    when = Timed(begin, begin + timedelta(minutes=5), "UTC")
    entry = Entry("Samklang", when, sensitivity=Sensitivity.PRIVATE, availability=Availability.FREE)
    key = f"probe-{secrets.token_hex(8)}"
    item = wire.new_item(entry, key, home="UTC", reminder=False, dialect=soap.dialect)
    made = soap.ask(operations.create_item(item)).find(f"{M}Items/{T}CalendarItem")
    if made is None:
        raise ProtocolError("malformed_answer", "a write without the id of what it wrote")
    soap.ask(operations.delete_items([wire.item_id(wire.read_id(made)[0])], for_good=True))


def _error_of(act: Callable[[], object]) -> SyncError | None:
    try:
        act()
    except SyncError as error:
        return error
    return None
