"""The operations we ask of Exchange, in the order of elements the schema wants (EWS facts §2.3). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from samklang.connectors.ews.dialect import Dialect
from samklang.connectors.ews.soap import Element, m, t
from samklang.engine.model import Mail
from samklang.sync.errors import ItemError

#: Our origin mark and create key (rule 10.4): a property set of our own (EWS facts §2.7).
KEY_SET, KEY_NAME = "6f0d1c4e-52a7-4b0f-9a3e-8c1d7f2b9e45", "SamklangKey"

_OCCURRENCE_FIELDS = (
    "item:Subject",
    "item:Sensitivity",
    "item:Body",
    "calendar:Start",
    "calendar:End",
    "calendar:IsAllDayEvent",
    "calendar:LegacyFreeBusyStatus",
    "calendar:Location",
    "calendar:AppointmentState",
)
_EVENT_FIELDS = (
    *_OCCURRENCE_FIELDS,
    "item:ParentFolderId",
    "item:LastModifiedTime",
    "calendar:UID",
    "calendar:MyResponseType",
    "calendar:Organizer",
    "calendar:RequiredAttendees",
    "calendar:OptionalAttendees",
    "calendar:Resources",
    "calendar:Recurrence",
    "calendar:ModifiedOccurrences",
    "calendar:DeletedOccurrences",
)
#: Whom an update tells (rule 4.6).
_TOLD_OF_UPDATE = {
    Mail.NONE: "SendToNone",
    Mail.CHANGED: "SendToChangedAndSaveCopy",
    Mail.ALL: "SendToAllAndSaveCopy",
}
_ANSWERS = {"accepted": "AcceptItem", "tentative": "TentativelyAcceptItem", "declined": "DeclineItem"}
_DEFINITIONS = ("calendar:StartTimeZone", "calendar:EndTimeZone")


def get_items(item_ids: Iterable[str], dialect: Dialect) -> Element:
    """Whole events. Only what we use is asked for: each property costs the server a call (EWS facts §2.3)."""
    return _get((*_EVENT_FIELDS, *_zones(dialect)), item_ids, more=(key_path(),))


def get_occurrences(item_ids: Iterable[str], dialect: Dialect) -> Element:
    """What can differ between an occurrence and its series."""
    return _get((*_OCCURRENCE_FIELDS, *_zones(dialect)[:1]), item_ids)


def _zones(dialect: Dialect) -> tuple[str, ...]:
    """What tells the zones of start and end."""
    if not dialect.two_zones:
        return ("calendar:MeetingTimeZone",)
    return ("calendar:StartTimeZoneId", "calendar:EndTimeZoneId") if dialect.zone_ids else _DEFINITIONS


def get_zone_rules(item_ids: Iterable[str]) -> Element:
    """The definitions of zones that have no name of their own."""
    return _get(_DEFINITIONS, item_ids)


def get_global_ids(item_ids: Iterable[str]) -> Element:
    """What a UID is made of: PidLidCleanGlobalObjectId, the same over a series and in everybody's copies (EWS facts
    §2.7)."""
    path = t("ExtendedFieldURI", DistinguishedPropertySetId="Meeting", PropertyId="35", PropertyType="Binary")
    return _get((), item_ids, more=(path,))


def get_body(item_id: str) -> Element:
    """The body as HTML, whatever it is stored as."""
    return _get(("item:Body",), (item_id,), body_type="HTML")


def get_versions(item_ids: Iterable[str]) -> Element:
    """Ids and change keys alone."""
    return _get((), item_ids)


def _get(
    properties: Sequence[str], item_ids: Iterable[str], *, body_type: str | None = None, more: Iterable[Element] = ()
) -> Element:
    paths = [*(t("FieldURI", FieldURI=uri) for uri in properties), *more]
    shape = m(
        "ItemShape",
        t("BaseShape", "IdOnly"),
        t("BodyType", body_type) if body_type else None,
        t("AdditionalProperties", *paths) if paths else None,
    )
    return m("GetItem", shape, m("ItemIds", *(t("ItemId", Id=each) for each in item_ids)))


def sync_items(state: str | None, most: int) -> Element:
    """Changes of the default calendar since `state`, ids alone: one call inside the server per page."""
    return m(
        "SyncFolderItems",
        m("ItemShape", t("BaseShape", "IdOnly")),
        m("SyncFolderId", t("DistinguishedFolderId", Id="calendar")),
        m("SyncState", state) if state else None,
        m("MaxChangesReturned", str(most)),
    )


def find_key(key: str) -> Element:
    """Items of the default calendar that carry our mark with this value, oldest first."""
    return m(
        "FindItem",
        m("ItemShape", t("BaseShape", "IdOnly")),
        m("IndexedPageItemView", MaxEntriesReturned="10", Offset="0", BasePoint="Beginning"),
        m("Restriction", t("IsEqualTo", key_path(), t("FieldURIOrConstant", t("Constant", Value=key)))),
        m("SortOrder", t("FieldOrder", t("FieldURI", FieldURI="item:DateTimeCreated"), Order="Ascending")),
        m("ParentFolderIds", t("DistinguishedFolderId", Id="calendar")),
        Traversal="Shallow",
    )


def find_folders() -> Element:
    """All folders of the mailbox, wherever they lie; calendars come as CalendarFolder."""
    return m(
        "FindFolder",
        m("FolderShape", t("BaseShape", "IdOnly")),
        m("ParentFolderIds", t("DistinguishedFolderId", Id="msgfolderroot")),
        Traversal="Deep",
    )


def list_uids(folder: str, offset: int) -> Element:
    """A page of a folder's items, singles and series masters, with their UIDs; a server caps pages at 1,000."""
    return m(
        "FindItem",
        m(
            "ItemShape",
            t("BaseShape", "IdOnly"),
            t("AdditionalProperties", t("FieldURI", FieldURI="calendar:UID")),
        ),
        m("IndexedPageItemView", MaxEntriesReturned="1000", Offset=str(offset), BasePoint="Beginning"),
        m("ParentFolderIds", t("FolderId", Id=folder)),
        Traversal="Shallow",
    )


def get_calendar_folder() -> Element:
    return m(
        "GetFolder",
        m("FolderShape", t("BaseShape", "IdOnly")),
        m("FolderIds", t("DistinguishedFolderId", Id="calendar")),
    )


def create_item(item: Element) -> Element:
    return m(
        "CreateItem",
        m("SavedItemFolderId", t("DistinguishedFolderId", Id="calendar")),
        m("Items", item),
        SendMeetingInvitations="SendToNone",
    )


def respond(item_id: str, version: str, response: str) -> Element:
    """The user's answer to an invitation, kept from its organizer (SaveOnly; Managed API: Appointment.Accept(false)).

    `response`: "accepted", "tentative" or "declined"; raises `ItemError` for any other.
    """
    if response not in _ANSWERS:
        raise ItemError("response_not_possible", response)
    answer = t(_ANSWERS[response], t("ReferenceItemId", Id=item_id, ChangeKey=version))
    return m("CreateItem", m("Items", answer), MessageDisposition="SaveOnly")


def update_items(changes: Iterable[Element], *, only_if_unchanged: bool, mail: Mail = Mail.NONE) -> Element:
    """UpdateItem, conditional on the change keys given, or not."""
    return m(
        "UpdateItem",
        m("ItemChanges", *changes),
        ConflictResolution="NeverOverwrite" if only_if_unchanged else "AlwaysOverwrite",
        MessageDisposition="SaveOnly",
        SendMeetingInvitationsOrCancellations=_TOLD_OF_UPDATE[mail],
    )


def delete_items(ids: Iterable[Element], *, for_good: bool = False, mail: Mail = Mail.NONE) -> Element:
    """DeleteItem; with mail, a meeting or date of one is cancelled."""
    return m(
        "DeleteItem",
        m("ItemIds", *ids),
        DeleteType="HardDelete" if for_good else "MoveToDeletedItems",
        SendMeetingCancellations="SendToNone" if mail is Mail.NONE else "SendToAllAndSaveCopy",
    )


def key_path() -> Element:
    return t("ExtendedFieldURI", PropertySetId=KEY_SET, PropertyName=KEY_NAME, PropertyType="String")
