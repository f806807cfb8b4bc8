"""The values of properties as elements or texts: one function per property, or per kind of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from lxml import etree

from samklang.sandbox import bodies, patterns, recurrence, zones
from samklang.sandbox.ews import zonerules
from samklang.sandbox.ews.caller import Caller, Entry, occurrence_entry, shell_id
from samklang.sandbox.ews.shapes import FOLDER_KEY, Shape, Written, item_id
from samklang.sandbox.ews.soap import T
from samklang.sandbox.ews.values import RESPONSES, SHOW_AS, boolean, clean, duration, write_recurrence, zone_name
from samklang.sandbox.ews.versions import V2010, V2013
from samklang.sandbox.model import Attendee, Item, Person


def texts(tag: str, values: Iterable[str]) -> Written:
    whole = etree.Element(T + tag)
    for value in values:
        etree.SubElement(whole, f"{T}String").text = clean(value)
    return whole if len(whole) else None


def body(entry: Entry, shape: Shape) -> Written:
    body = entry.item.body
    as_text = shape.body == "Text" or (shape.body == "Best" and body.type == "text")
    element = etree.Element(f"{T}Body", BodyType="Text" if as_text else "HTML")
    if shape.caller.rank >= V2013:
        element.set("IsTruncated", "false")
    text = bodies.to_text(body.content) if as_text else body.content
    # Converted texts end with a line end of Exchange's own.
    element.text = clean(text + "\r\n" if as_text and text else text)
    return element


def text_body(entry: Entry, shape: Shape) -> Written:
    element = etree.Element(f"{T}TextBody", BodyType="Text", IsTruncated="false")
    element.text = clean(bodies.to_text(entry.item.body.content))
    return element


def mailbox(person: Person | Attendee) -> etree._Element:
    element = etree.Element(f"{T}Mailbox")
    if person.name:
        etree.SubElement(element, f"{T}Name").text = clean(person.name)
    etree.SubElement(element, f"{T}EmailAddress").text = clean(person.address)
    etree.SubElement(element, f"{T}RoutingType").text = "SMTP"
    etree.SubElement(element, f"{T}MailboxType").text = "Mailbox"
    return element


def organizer(entry: Entry, shape: Shape) -> Written:
    element = etree.Element(f"{T}Organizer")
    element.append(mailbox(entry.item.organizer))
    return element


def attendees(tag: str, kind: str) -> Callable[[Entry, Shape], Written]:
    def writer(entry: Entry, shape: Shape) -> Written:
        whole = etree.Element(T + tag)
        for person in entry.item.attendees:
            if person.kind != kind:
                continue
            attendee = etree.SubElement(whole, f"{T}Attendee")
            attendee.append(mailbox(person))
            # 2010 leaves the response out until there is one (INTEROP MTGS R1281).
            if person.response != "none" or not V2010 <= shape.caller.rank < V2013:
                etree.SubElement(attendee, f"{T}ResponseType").text = RESPONSES[person.response]
            if person.responded is not None:
                etree.SubElement(attendee, f"{T}LastResponseTime").text = shape.instant(person.responded)
        return whole if len(whole) else None

    return writer


def rights(caller: Caller, *, container: bool) -> etree._Element:
    """EffectiveRights: everything; creating only inside a container."""
    element = etree.Element(f"{T}EffectiveRights")
    for name in ("CreateAssociated", "CreateContents", "CreateHierarchy"):
        etree.SubElement(element, T + name).text = boolean(container)
    for name in ("Delete", "Modify", "Read"):
        etree.SubElement(element, T + name).text = "true"
    if caller.rank >= V2010:
        etree.SubElement(element, f"{T}ViewPrivateItems").text = "true"
    return element


def parent_folder(entry: Entry, shape: Shape) -> Written:
    owner, key = shape.caller.mailbox, entry.item.folder
    assert owner is not None
    folder = next((f.id for f in shape.caller.store.folders(owner) if key in (f.kind, f.id)), shell_id(owner, key))
    return item_id(folder, FOLDER_KEY, "ParentFolderId")


def recurrence_element(entry: Entry, shape: Shape) -> Written:
    item = entry.item
    if item.recurrence is None:
        return None
    return write_recurrence(item.recurrence, item.start_zone, first_day=shape.caller.rank >= V2010)


def _occurrence_info(tag: str, entry: Entry, shape: Shape) -> etree._Element:
    info = etree.Element(T + tag)
    info.append(item_id(entry.id, entry.item.change_key))
    etree.SubElement(info, f"{T}Start").text = shape.instant(entry.item.start)
    etree.SubElement(info, f"{T}End").text = shape.instant(entry.item.end)
    original = _original_start(entry)
    etree.SubElement(info, f"{T}OriginalStart").text = shape.instant(original or entry.item.start)
    return info


def _original_start(entry: Entry) -> Any:
    if entry.master is None or entry.original is None:
        return None
    return recurrence.series_of(entry.master).regular(entry.original)[0]


def end_of_series(tag: str, pick: Callable[[recurrence.Series], recurrence.Occurrence | None]) -> Any:
    def writer(entry: Entry, shape: Shape) -> Written:
        if entry.item.recurrence is None:
            return None
        place = pick(recurrence.series_of(entry.item))
        return None if place is None else _occurrence_info(tag, occurrence_entry(entry.item, place), shape)

    return writer


def last(series: recurrence.Series) -> recurrence.Occurrence | None:
    day = patterns.last_date(series.rule)
    if day is not None and day in series.cancelled:
        day = patterns.previous_date(series.rule, day, without=series.cancelled)
    return None if day is None else series.occurrence(day)


def modified_occurrences(entry: Entry, shape: Shape) -> Written:
    if not entry.item.exceptions:
        return None
    series, whole = recurrence.series_of(entry.item), etree.Element(f"{T}ModifiedOccurrences")
    for original in sorted(entry.item.exceptions):
        place = series.occurrence(original)
        if place is not None:
            whole.append(_occurrence_info("Occurrence", occurrence_entry(entry.item, place), shape))
    return whole if len(whole) else None


def deleted_occurrences(entry: Entry, shape: Shape) -> Written:
    if not entry.item.cancelled:
        return None
    series, whole = recurrence.series_of(entry.item), etree.Element(f"{T}DeletedOccurrences")
    for original in sorted(entry.item.cancelled):
        deleted = etree.SubElement(whole, f"{T}DeletedOccurrence")
        etree.SubElement(deleted, f"{T}Start").text = shape.instant(series.regular(original)[0])
    return whole


def zone_element(tag: str, get: Callable[[Item], str]) -> Callable[[Entry, Shape], Written]:
    def writer(entry: Entry, shape: Shape) -> Written:
        return zonerules.definition(tag, get(entry.item), entry.item.start)

    return writer


def meeting_zone(entry: Entry, shape: Shape) -> Written:
    zone = entry.item.start_zone
    element = etree.Element(f"{T}MeetingTimeZone", TimeZoneName=zone)
    offset = entry.item.start.astimezone(zones.zone(zone)).utcoffset() or timedelta(0)
    dst = entry.item.start.astimezone(zones.zone(zone)).dst() or timedelta(0)
    base = dst - offset  # Bias: what has to be added to local standard time to get UTC
    sign = "-" if base < timedelta(0) else ""
    etree.SubElement(element, f"{T}BaseOffset").text = sign + duration(abs(base))
    return element


def time_zone(entry: Entry, shape: Shape) -> Written:
    if entry.kind == "Single" and shape.caller.server.major == 15 and shape.caller.server.minor >= 1:
        return None  # 2016 and later give it for series alone (INTEROP MTGS R2182)
    return zone_name(entry.item.start_zone, entry.item.start)


def show_as(entry: Entry, shape: Shape) -> Written:
    value = SHOW_AS[entry.item.show_as]
    return "Free" if value == "WorkingElsewhere" and shape.caller.rank < V2013 else value


def recipients(entry: Entry, shape: Shape) -> Written:
    return clean("; ".join(p.name or p.address for p in entry.item.attendees if p.kind == "required"))


def reminder_due(entry: Entry, shape: Shape) -> Written:
    return shape.instant(entry.item.start)


def wall_clock(get: Callable[[Item], Any], zone: Callable[[Item], str]) -> Callable[[Entry, Shape], Written]:
    def writer(entry: Entry, shape: Shape) -> Written:
        return str(get(entry.item).astimezone(zones.zone(zone(entry.item))).isoformat(timespec="seconds"))

    return writer


def flag(get: Callable[[Entry], bool]) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: boolean(get(entry))


def constant(value: str) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: value


def moment(get: Callable[[Item], Any]) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: shape.instant(get(entry.item))


def text(get: Callable[[Item], str]) -> Callable[[Entry, Shape], Written]:
    return lambda entry, shape: clean(get(entry.item)) or None


def original_start(entry: Entry, shape: Shape) -> Written:
    start = _original_start(entry)
    return None if start is None else shape.instant(start)
