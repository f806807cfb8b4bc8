"""Extended (named) properties: ours and everybody's, and the two a server computes itself (EWS facts
§2.7)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from samklang.sandbox.ews.caller import Entry
from samklang.sandbox.ews.soap import ItemError, T
from samklang.sandbox.ews.values import clean
from samklang.sandbox.model import PROPERTY_SETS, extended_key

_MEETING = PROPERTY_SETS["Meeting"]
GLOBAL_ID = extended_key("Binary", set_guid=_MEETING, id=3)
CLEAN_GLOBAL_ID = extended_key("Binary", set_guid=_MEETING, id=35)
_HEAD = "040000008200E00074C5B7101A82E008"


@dataclass(frozen=True)
class Field:
    """An ExtendedFieldURI: the element as it was asked for, and the key of `Item.extended`."""

    element: etree._Element
    key: str
    kind: str

    @classmethod
    def read(cls, element: etree._Element) -> Field:
        """Raises ItemError for one that names no property."""
        kind = element.get("PropertyType", "")
        tag, number = element.get("PropertyTag"), element.get("PropertyId")
        named = element.get("DistinguishedPropertySetId", "")
        guid = element.get("PropertySetId") or PROPERTY_SETS.get(named)
        try:
            key = extended_key(
                kind,
                set_guid=guid,
                name=element.get("PropertyName"),
                id=None if number is None else int(number),
                tag=None if tag is None else int(tag, 0),
            )
        except (ValueError, TypeError):
            raise ItemError("ErrorInvalidExtendedProperty", "The extended property is invalid.") from None
        return cls(element, key, kind)


def value_of(entry: Entry, key: str) -> Any:
    """A stored value, a computed one, or None."""
    if key == GLOBAL_ID:
        return global_id(entry.item.uid, entry.original)
    if key == CLEAN_GLOBAL_ID:
        return global_id(entry.item.uid, None)
    return entry.item.extended.get(key)


def write(entry: Entry, fields: list[Field], parent: etree._Element) -> None:
    for wanted in fields:
        value = value_of(entry, wanted.key)
        if value is None:
            continue
        element = etree.SubElement(parent, f"{T}ExtendedProperty")
        uri = etree.SubElement(element, f"{T}ExtendedFieldURI")
        for name, given in wanted.element.items():
            uri.set(name, given)
        if isinstance(value, list):
            values = etree.SubElement(element, f"{T}Values")
            for one in value:
                etree.SubElement(values, f"{T}Value").text = clean(str(one))
        else:
            etree.SubElement(element, f"{T}Value").text = clean(str(value))


def read(element: etree._Element) -> tuple[str, Any]:
    """(key, value) of an ExtendedProperty. Raises ItemError."""
    uri = element.find(f"{T}ExtendedFieldURI")
    if uri is None:
        raise ItemError("ErrorInvalidExtendedProperty", "The extended property is invalid.")
    wanted = Field.read(uri)
    many = element.find(f"{T}Values")
    if many is not None:
        return wanted.key, [value.text or "" for value in many]
    value = element.findtext(f"{T}Value")
    if value is None:
        raise ItemError("ErrorInvalidExtendedPropertyValue", "The extended property value is invalid.")
    return wanted.key, value


def global_id(uid: str, original: date | None) -> str:
    """PidLidGlobalObjectId in base64: the UID itself where Exchange made it, else wrapped as vCal-Uid; with
    the date of an occurrence in its own place."""
    if uid.upper().startswith(_HEAD):
        raw = bytearray.fromhex(uid)
    else:
        data = b"vCal-Uid\x01\x00\x00\x00" + uid.encode() + b"\x00"
        raw = bytearray.fromhex(_HEAD) + bytes(20) + len(data).to_bytes(4, "little") + data
    if original is not None:
        raw[16:20] = original.year.to_bytes(2, "big") + bytes([original.month, original.day])
    return base64.b64encode(bytes(raw)).decode()


def uid_in(global_object_id: str) -> str:
    """The UID a (clean) GlobalObjectId in base64 stands for; "" for anything else."""
    try:
        raw = base64.b64decode(global_object_id, validate=True)
    except ValueError:
        return ""
    if b"vCal-Uid" in raw[40:52]:
        return raw[52:].rstrip(b"\x00").decode(errors="replace")
    return raw.hex().upper()
