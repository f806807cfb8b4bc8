"""What a request wants to see of an entry, and how a property of it is described."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from samklang.sandbox.ews import extended
from samklang.sandbox.ews.caller import Caller, Entry
from samklang.sandbox.ews.soap import T
from samklang.sandbox.ews.values import instant
from samklang.sandbox.ews.versions import V2007

Written = str | etree._Element | None

# Change keys of what has none of its own here: folders, and items that are gone.
FOLDER_KEY = "AQAAABYAAAC8N8bKd3m6RIV6fy3vDUMUAAAA"
DELETED_KEY = "DwAAABYAAAC8N8bKd3m6RIV6fy3vDUMUAAAA"


@dataclass
class Shape:
    """What a request wants to see: the properties of `base` and those it names. `tables`: the rows of each element.
    `loaded` False: FindItem and SyncFolderItems, which load no streams."""

    caller: Caller
    tables: Mapping[str, Sequence[Property]]
    base: str
    named: frozenset[str]
    extended: list[extended.Field] = field(default_factory=list)
    body: str = "Best"
    loaded: bool = True
    _picked: dict[str, list[Property]] = field(default_factory=dict)

    def rows_of(self, tag: str) -> list[Property]:
        """Those of an element's rows that the request wants, its version knows, and its operation gives."""
        if tag not in self._picked:
            rank = self.caller.rank
            self._picked[tag] = [row for row in self.tables[tag] if row.since <= rank < row.until and self._wants(row)]
        return self._picked[tag]

    def _wants(self, row: Property) -> bool:
        of_base = (row.default and self.base == "Default") or (row.usual and self.base == "AllProperties")
        return (of_base or row.uri in self.named) and (self.loaded or not row.streamed)

    def instant(self, moment: datetime) -> str:
        return instant(moment, milliseconds=self.caller.milliseconds)


@dataclass(frozen=True)
class Property:
    uri: str
    write: Callable[[Entry, Shape], Written]
    since: int = V2007
    until: int = 99
    streamed: bool = False  # GetItem alone gives it
    default: bool = False  # part of the shape Default
    usual: bool = True  # part of AllProperties

    @property
    def tag(self) -> str:
        return self.uri.partition(":")[2]


def item_id(id: str, change_key: str, tag: str = "ItemId") -> etree._Element:
    return etree.Element(T + tag, Id=id, ChangeKey=change_key)
