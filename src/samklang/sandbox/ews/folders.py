"""Folders and names: what a client asks before it comes to the calendar."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from samklang.sandbox import zones
from samklang.sandbox.ews import soap
from samklang.sandbox.ews.caller import SHELLS, Caller, Place, ordered_error
from samklang.sandbox.ews.shapes import FOLDER_KEY, item_id
from samklang.sandbox.ews.soap import ItemError, M, T
from samklang.sandbox.ews.values import boolean, zone_name
from samklang.sandbox.ews.versions import V2013
from samklang.sandbox.ews.writers import rights
from samklang.sandbox.messages import INBOX
from samklang.sandbox.model import CALENDAR, DELETED, RECOVERABLE, Mailbox

_CLASSES = {"contacts": "IPF.Contact", "tasks": "IPF.Task", "journal": "IPF.Journal", "notes": "IPF.StickyNote"}
_TAGS = {"contacts": "ContactsFolder", "tasks": "TasksFolder", "searchfolders": "SearchFolder"}


def get_folder(caller: Caller, request: etree._Element) -> etree._Element:
    shape = soap.need(request, f"{M}FolderShape")
    answer, messages = soap.response("GetFolder")
    for number, id in enumerate(soap.need(request, f"{M}FolderIds")):
        try:
            ordered_error(caller.fault, number)
            place = caller.folder(id)
        except ItemError as error:
            etree.SubElement(soap.failure(messages, "GetFolder", error), f"{M}Folders")
        else:
            folders = etree.SubElement(soap.success(messages, "GetFolder"), f"{M}Folders")
            _write(caller, place, shape, folders)
    return answer


def find_folder(caller: Caller, request: etree._Element) -> etree._Element:
    shape, deep = soap.need(request, f"{M}FolderShape"), request.get("Traversal") == "Deep"
    answer, messages = soap.response("FindFolder")
    for id in soap.need(request, f"{M}ParentFolderIds"):
        try:
            parent = caller.folder(id)
        except ItemError as error:
            soap.failure(messages, "FindFolder", error)
            continue
        found = list(_below(caller, parent, deep))
        root = etree.SubElement(soap.success(messages, "FindFolder"), f"{M}RootFolder")
        root.set("IndexedPagingOffset", str(len(found)))
        root.set("TotalItemsInView", str(len(found)))
        root.set("IncludesLastItemInRange", boolean(True))
        folders = etree.SubElement(root, f"{T}Folders")
        for place in found:
            _write(caller, place, shape, folders)
    return answer


def _parent(place: Place) -> str | None:
    """The kind of the folder above; None for the root."""
    if place.key == "root":
        return None
    if place.key in ("msgfolderroot", "searchfolders", RECOVERABLE):
        return "root"
    return CALENDAR if place.key == place.id else "msgfolderroot"


def _below(caller: Caller, parent: Place, deep: bool) -> Iterator[Place]:
    for place in _all(caller, parent.mailbox):
        above = _parent(place)
        if above == parent.key or (deep and above is not None and parent.key in ("root", _grandparent(above))):
            yield place


def _grandparent(kind: str) -> str:
    return {"msgfolderroot": "root", CALENDAR: "msgfolderroot"}.get(kind, "")


def _all(caller: Caller, mailbox: Mailbox) -> Iterator[Place]:
    for kind in SHELLS:
        yield caller.place(mailbox, kind)
    for found in caller.store.folders(mailbox):
        yield Place(mailbox, found.id, found.id if found.kind == "secondary" else found.kind, found.name)


def _write(caller: Caller, place: Place, shape: etree._Element, parent: etree._Element) -> None:
    folder = etree.SubElement(parent, T + ("CalendarFolder" if place.is_calendar else _TAGS.get(place.key, "Folder")))
    folder.append(item_id(place.id, FOLDER_KEY, "FolderId"))
    wanted = {path.get("FieldURI") for path in shape.iter(f"{T}FieldURI")}
    everything = shape.findtext(f"{T}BaseShape") != "IdOnly"
    kept = place.is_calendar or place.key in (DELETED, RECOVERABLE, INBOX)
    total = caller.store.count_items(place.mailbox, place.key) if kept else 0
    children = sum(1 for other in _all(caller, place.mailbox) if _parent(other) == place.key)
    values = {
        "FolderClass": "IPF.Appointment" if place.is_calendar else _CLASSES.get(place.key, "IPF.Note"),
        "DisplayName": place.name,
        "TotalCount": str(total),
        "ChildFolderCount": str(children),
    }
    above = _parent(place)
    if above is not None and (everything or "folder:ParentFolderId" in wanted):
        folder.append(item_id(caller.place(place.mailbox, above).id, FOLDER_KEY, "ParentFolderId"))
    for name, value in values.items():
        if everything or f"folder:{name}" in wanted:
            etree.SubElement(folder, T + name).text = value
    if "folder:EffectiveRights" in wanted:
        folder.append(rights(caller, container=True))
    if caller.rank >= V2013 and "folder:DistinguishedFolderId" in wanted and place.key != place.id:
        etree.SubElement(folder, f"{T}DistinguishedFolderId").text = place.key
    if (
        not place.is_calendar
        and place.key not in ("contacts", "searchfolders")
        and (everything or "folder:UnreadCount" in wanted)
    ):
        etree.SubElement(folder, f"{T}UnreadCount").text = "0"


def convert_id(caller: Caller, request: etree._Element) -> etree._Element:
    """Every format is the same text here; clients ask it to learn the version (EWS facts §1.5)."""
    answer, messages = soap.response("ConvertId")
    for source in soap.need(request, f"{M}SourceIds"):
        id = source.get("Id", "")
        if not id.startswith(("AAMk", "AQMk")):
            soap.failure(messages, "ConvertId", ItemError("ErrorInvalidIdMalformed"))
            continue
        message = soap.success(messages, "ConvertId")
        # The answer's AlternateId is of an abstract type: xsi:type says which.
        alternate = etree.SubElement(message, f"{M}AlternateId", nsmap={"xsi": _XSI[1:-1], "t": T[1:-1]})
        alternate.set(f"{_XSI}type", "t:AlternateIdType")
        alternate.set("Format", request.get("DestinationFormat", "EwsId"))
        alternate.set("Id", id)
        alternate.set("Mailbox", source.get("Mailbox", ""))
    return answer


_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def resolve_names(caller: Caller, request: etree._Element) -> etree._Element:
    """Mailboxes whose address or name starts with the text; `smtp:` before an address asks for it exactly."""
    answer, messages = soap.response("ResolveNames")
    wanted = request.findtext(f"{M}UnresolvedEntry", "").casefold()
    exact = wanted.startswith("smtp:")
    text = wanted.removeprefix("smtp:")
    found = [
        mailbox
        for mailbox in caller.store.mailboxes()
        if any(address.casefold() == text for address in mailbox.addresses)
        or (not exact and any(word.casefold().startswith(text) for word in (mailbox.address, mailbox.name)))
    ]
    if not found:
        soap.failure(messages, "ResolveNames", ItemError("ErrorNameResolutionNoResults", "No results were found."))
        return answer
    if len(found) == 1:
        message = soap.success(messages, "ResolveNames")
    else:
        message = etree.SubElement(messages, f"{M}ResolveNamesResponseMessage", ResponseClass="Warning")
        etree.SubElement(message, f"{M}MessageText").text = "Multiple results were found."
        etree.SubElement(message, f"{M}ResponseCode").text = "ErrorNameResolutionMultipleResults"
        etree.SubElement(message, f"{M}DescriptiveLinkKey").text = "0"
    resolutions = etree.SubElement(message, f"{M}ResolutionSet")
    resolutions.set("TotalItemsInView", str(len(found)))
    resolutions.set("IncludesLastItemInRange", "true")
    for mailbox in found:
        resolution = etree.SubElement(resolutions, f"{T}Resolution")
        element = etree.SubElement(resolution, f"{T}Mailbox")
        etree.SubElement(element, f"{T}Name").text = mailbox.name or mailbox.address
        etree.SubElement(element, f"{T}EmailAddress").text = mailbox.address
        etree.SubElement(element, f"{T}RoutingType").text = "SMTP"
        etree.SubElement(element, f"{T}MailboxType").text = "Mailbox"
        if request.get("ReturnFullContactData") == "true":
            _contact(resolution, mailbox)
    return answer


def _contact(resolution: etree._Element, mailbox: Mailbox) -> None:
    """What the directory tells of a person: the schema has room for three of his addresses."""
    contact = etree.SubElement(resolution, f"{T}Contact")
    etree.SubElement(contact, f"{T}DisplayName").text = mailbox.name or mailbox.address
    addresses = etree.SubElement(contact, f"{T}EmailAddresses")
    told = [f"SMTP:{mailbox.address}", *(f"smtp:{alias}" for alias in mailbox.aliases)]
    for number, address in enumerate(told[:3], 1):
        etree.SubElement(addresses, f"{T}Entry", Key=f"EmailAddress{number}").text = address
    etree.SubElement(contact, f"{T}ContactSource").text = "ActiveDirectory"


def get_server_time_zones(caller: Caller, request: etree._Element) -> etree._Element:
    """The zones asked for, or all; names only, whatever was asked (docs/sandbox.md)."""
    answer, messages = soap.response("GetServerTimeZones")
    asked = [id.text or "" for id in request.iterfind(f"{M}Ids/{T}Id")]
    message = soap.success(messages, "GetServerTimeZones")
    listed = etree.SubElement(message, f"{M}TimeZoneDefinitions")
    now = caller.store.clock.now()
    for id in asked or zones.windows_ids():
        if id in zones.windows_ids():
            etree.SubElement(listed, f"{T}TimeZoneDefinition", Id=id, Name=zone_name(id, now))
    return answer
