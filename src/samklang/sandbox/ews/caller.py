"""One request on its way: who asks, as whom, in which version, and the entries and folders its ids mean."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import date
from itertools import islice

from lxml import etree

from samklang.sandbox import accounts, messages, patterns, recurrence, zones
from samklang.sandbox.accounts import Account
from samklang.sandbox.context import Sandbox
from samklang.sandbox.ews import versions
from samklang.sandbox.ews.soap import MESSAGES, NOT_FOUND, ItemError, Request, SoapFault, T, text_of
from samklang.sandbox.ews.versions import ServerBuild
from samklang.sandbox.faults import Fault
from samklang.sandbox.model import (
    CALENDAR,
    DELETED,
    RECOVERABLE,
    Item,
    Mailbox,
    merged,
    occurrence_id,
    split_occurrence_id,
)
from samklang.sandbox.store import Store

# Folders every mailbox shows; but for meeting messages in the inbox, nothing is kept in them. Id and parent follow from
# the name.
SHELLS = {
    "root": "",
    "msgfolderroot": "Top of Information Store",
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "outbox": "Outbox",
    "tasks": "Tasks",
    "contacts": "Contacts",
    "journal": "Journal",
    "notes": "Notes",
    "junkemail": "Junk Email",
    "searchfolders": "Finder",
}
_DENIED_HERE = "The server may not impersonate users for the account."
_DENIED = "The account does not have permission to impersonate the requested user."


class Forbidden(Exception):
    """Kept out before the service is reached: answered with 403."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as EWS shows it: `item` is the whole (an occurrence with its master's fields), `master` and
    `original` are set for occurrences and exceptions."""

    item: Item
    id: str
    kind: str  # Single, RecurringMaster, Occurrence, Exception
    master: Item | None = None
    original: date | None = None

    @property
    def stored(self) -> Item:
        """The item of the store this entry is, or is part of."""
        return self.master or self.item


@dataclass(frozen=True, slots=True)
class Place:
    """A folder: `key` is what `Item.folder` holds, or the name of a shell."""

    mailbox: Mailbox
    id: str
    key: str
    name: str

    @property
    def is_calendar(self) -> bool:
        return self.key == CALENDAR or self.key == self.id


def entry_of(item: Item) -> Entry:
    return Entry(item, item.id, "Single" if item.recurrence is None else "RecurringMaster")


def occurrence_entry(master: Item, place: recurrence.Occurrence) -> Entry:
    exception = master.exceptions.get(place.original)
    whole = merged(master, exception, place.start, place.end)
    kind = "Exception" if place.exception else "Occurrence"
    return Entry(whole, occurrence_id(master, place.original), kind, master, place.original)


@dataclass
class Caller:
    """`mailbox` is the one impersonated, else the one the account opened by its own right (FullAccess), else its own,
    else None. `zone` is the TimeZoneContext's Windows id, None without one. `fault` is a fault the operations have to
    perform themselves. `opens_others`: nobody is impersonated, so that the account's own rights count."""

    sandbox: Sandbox
    account: Account
    mailbox: Mailbox | None
    rank: int
    server: ServerBuild
    zone: str | None = None
    milliseconds: bool = False
    fault: Fault | None = None
    opens_others: bool = False

    @property
    def store(self) -> Store:
        return self.sandbox.store

    # --- folders
    def folder(self, element: etree._Element) -> Place:
        """The folder of a FolderId or DistinguishedFolderId. Raises ItemError."""
        if element.tag == f"{T}DistinguishedFolderId":
            return self._distinguished(element)
        id = element.get("Id", "")
        for mailbox in self._reachable():
            place = self._folder_in(mailbox, id)
            if place is not None:
                self._enter(mailbox)
                return place
        if not id.startswith(("AQMk", "AAMk")):
            raise ItemError("ErrorInvalidIdMalformed")
        raise ItemError("ErrorFolderNotFound")

    def _folder_in(self, mailbox: Mailbox, id: str) -> Place | None:
        for kind in SHELLS:
            if shell_id(mailbox, kind) == id:
                return self.place(mailbox, kind)
        for found in self.store.folders(mailbox):
            if found.id == id:
                return Place(mailbox, id, id if found.kind == "secondary" else found.kind, found.name)
        return None

    def _distinguished(self, element: etree._Element) -> Place:
        address = text_of(element, "Mailbox/EmailAddress")
        mailbox = self.mailbox
        if address:
            mailbox = self.store.mailbox(address)
            if mailbox is None:
                raise ItemError("ErrorNonExistentMailbox")
            if not self._enter(mailbox):
                raise ItemError("ErrorAccessDenied")
        if mailbox is None:
            raise ItemError("ErrorMissingEmailAddress")
        kind = element.get("Id", "")
        if kind not in SHELLS and kind not in (CALENDAR, DELETED, RECOVERABLE):
            raise ItemError("ErrorFolderNotFound")
        return self.place(mailbox, kind)

    def place(self, mailbox: Mailbox, kind: str) -> Place:
        if kind in SHELLS:
            return Place(mailbox, shell_id(mailbox, kind), kind, SHELLS[kind])
        found = self.store.folder(mailbox, kind)
        return Place(mailbox, found.id, found.kind, found.name)

    def _reachable(self) -> list[Mailbox]:
        """The mailbox the request is in, and those the account may open besides. Raises ItemError for none."""
        opened = [self.store.mailbox(address) for address in self.account.full_access if self.opens_others]
        found = [each for each in (self.mailbox, *opened) if each is not None]
        if not found:
            raise ItemError("ErrorMissingEmailAddress")
        return found

    def _enter(self, mailbox: Mailbox | None) -> bool:
        """Whether the request may be in this mailbox; it goes on there."""
        if mailbox is None:
            return False
        here = self.mailbox is not None and mailbox.id == self.mailbox.id
        if not here and not (self.opens_others and self.account.may_open(mailbox)):
            return False
        self.mailbox = mailbox
        return True

    # --- entries
    def entry(self, element: etree._Element) -> Entry:
        """The entry of an ItemId, OccurrenceItemId or RecurringMasterItemId. Raises ItemError."""
        if element.tag == f"{T}OccurrenceItemId":
            return self._nth(element.get("RecurringMasterId", ""), int(element.get("InstanceIndex", "0")))
        if element.tag == f"{T}RecurringMasterItemId":
            parts = split_occurrence_id(element.get("OccurrenceId", ""))
            if parts is None:
                raise ItemError("ErrorCalendarCannotUseIdForRecurringMasterId")
            return entry_of(self._item(parts.master_id))
        return self.entry_by_id(element.get("Id", ""))

    def meant(self, entry: Entry) -> Entry:
        """The entry of the calendar that a meeting message is about; any other is itself. Raises ItemError."""
        if messages.message_of(entry.item) is None:
            return entry
        found = messages.about(self.store, self.mailbox, entry.item) if self.mailbox else None
        if found is None:
            raise ItemError(NOT_FOUND)
        return self.entry_by_id(messages.id_of(*found))

    def entry_by_id(self, id: str) -> Entry:
        parts = split_occurrence_id(id)
        if parts is None:
            return entry_of(self._item(id))
        master = self._item(parts.master_id)
        if master.recurrence is None or parts.generation != master.generation % 256:
            raise ItemError(NOT_FOUND)
        place = recurrence.series_of(master).occurrence(parts.original)
        if place is None:
            raise ItemError(NOT_FOUND)
        return occurrence_entry(master, place)

    def _item(self, id: str) -> Item:
        item = self.store.item(id)
        if item is None or not self._enter(self.store.mailbox_by_id(item.mailbox)):
            raise ItemError(NOT_FOUND if id.startswith("AAMk") else "ErrorInvalidIdMalformed")
        return item

    def _nth(self, master_id: str, index: int) -> Entry:
        """The index counts every date of the rule from 1, the deleted ones too."""
        master = self._item(master_id)
        if master.recurrence is None:
            raise ItemError("ErrorCalendarCannotUseIdForOccurrenceId")
        series = recurrence.series_of(master)
        days = patterns.dates(series.rule, series.rule.start, patterns.LAST_DATE)
        day = next(islice(days, index - 1, None), None) if index > 0 else None
        if day is None:
            raise ItemError("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
        place = series.occurrence(day)
        if place is None:
            raise ItemError("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
        return occurrence_entry(master, place)


def shell_id(mailbox: Mailbox, kind: str) -> str:
    return "AQMk" + base64.urlsafe_b64encode(f"{mailbox.object_id or mailbox.address}/{kind}".encode()).decode()


def identify(sandbox: Sandbox, account: Account, request: Request, rank: int, server: ServerBuild) -> Caller:
    """Who asks and as whom (EWS facts §2.2). Raises SoapFault, Forbidden."""
    if account.password_expired:
        raise SoapFault("ErrorPasswordExpired", "The password of the account has expired.")
    header = request.header.get("ExchangeImpersonation")
    if header is not None:
        mailbox: Mailbox | None = _impersonated(sandbox.store, account, header, server)
    else:
        mailbox = _own(sandbox.store, account)
        if mailbox is not None and not mailbox.ews_enabled:
            raise Forbidden
    if mailbox is not None and not mailbox.enabled:
        raise SoapFault("ErrorAccountDisabled", "The account was disabled.")
    caller = Caller(sandbox, account, mailbox, rank, server, opens_others=header is None)
    context = request.header.get("TimeZoneContext")
    definition = context.find(f"{T}TimeZoneDefinition") if context is not None else None
    if definition is not None:
        try:
            caller.zone = zones.windows_only(definition.get("Id", ""))
        except zones.UnknownZoneError:
            caller.zone = None  # a definition of the client's own: its periods are not read (docs/sandbox.md)
    precision = request.header.get("DateTimePrecision")
    asked = precision is not None and precision.text == "Milliseconds" and rank >= versions.V2010_SP2
    caller.milliseconds = asked or accounts.server(sandbox.store).milliseconds
    return caller


def _own(store: Store, account: Account) -> Mailbox | None:
    """The mailbox of the account's own user, None for an account without one."""
    found = store.mailbox(account.username)
    if found is None and store.get("account", account.username.casefold(), Account) is None:
        wanted = account.username.casefold()
        found = next((mailbox for mailbox in store.mailboxes() if mailbox.username.casefold() == wanted), None)
    return found


def _impersonated(store: Store, account: Account, header: etree._Element, server: ServerBuild) -> Mailbox:
    if server.newest == "Exchange2007_SP1" and not account.impersonates:
        # ms-Exch-EPI-Impersonation: a client access server asks for it before it asks whose mailbox it is.
        raise SoapFault("ErrorImpersonationDenied", _DENIED_HERE)
    sid = header.find(f"{T}ConnectingSID")
    given = [(child.tag.rpartition("}")[2], (child.text or "").strip()) for child in (sid if sid is not None else ())]
    if len(given) != 1 or not given[0][1]:
        raise SoapFault(
            "ErrorInvalidExchangeImpersonationHeaderData", "ExchangeImpersonation SOAP header is not valid."
        )
    kind, value = given[0]
    if kind == "SID":
        raise SoapFault("ErrorInvalidSid", "The specified SID is invalid.")
    mailbox = store.mailbox(value)
    if mailbox is None and kind == "PrincipalName":
        raise SoapFault("ErrorInvalidUserPrincipalName", "The user principal name is invalid.")
    if mailbox is None or (kind == "PrimarySmtpAddress" and mailbox.address.casefold() != value.casefold()):
        raise SoapFault("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
    if not account.may_impersonate(mailbox):
        raise SoapFault("ErrorImpersonateUserDenied", _DENIED)
    if not mailbox.ews_enabled:
        raise SoapFault("ErrorAccessDenied", MESSAGES["ErrorAccessDenied"])
    return mailbox


def decode_token(text: str) -> list[str] | None:
    """The parts of an opaque token of ours (see `encode_token`); None for anything else."""
    try:
        return base64.b64decode(text.strip(), validate=True).decode().split("\n")
    except (binascii.Error, UnicodeDecodeError):
        return None


def encode_token(*parts: object) -> str:
    return base64.b64encode("\n".join(map(str, parts)).encode()).decode()


def ordered_error(fault: Fault | None, number: int) -> None:
    """The error a test ordered, for every item or folder of a request, or for the one of that number (from 0)."""
    if fault is None or fault.what.get("item", number) != number:
        return
    if fault.kind == "stale":
        raise ItemError("ErrorIrresolvableConflict")
    if fault.kind == "response_code":
        values = {"BackOffMilliseconds": str(fault.what["back_off_ms"])} if "back_off_ms" in fault.what else None
        raise ItemError(str(fault.what["code"]), str(fault.what.get("message", "")), values)
