"""Everything the sandbox knows, in one SQLite file that survives kill -9.

Items are JSON documents beside the few columns that are searched. Every save takes the next number of one sequence:
`items.changed_seq` is the change log as a level (what changed last, in order), `changes` is the same as events. A
client's position in a folder is one number, whichever protocol wraps it into its opaque token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from samklang.sandbox.model import (
    CALENDAR,
    DELETED,
    RECOVERABLE,
    Item,
    Mailbox,
    new_change_key,
    new_id,
)
from samklang.sandbox.tally import Tally

_encode = msgspec.json.Encoder().encode
_decode_item = msgspec.json.Decoder(Item).decode
_decode_mailbox = msgspec.json.Decoder(Mailbox).decode


class Folder(NamedTuple):
    """`kind` is `calendar`, `deleteditems`, `recoverableitemsdeletions`, or `secondary` for a calendar by
    name."""

    id: str
    kind: str
    name: str


class Change(NamedTuple):
    """One line of a change listing: an item as it stands (`deleted` False) or one that left the folder."""

    seq: int
    id: str
    immutable_id: str
    created_seq: int
    deleted: bool


def microseconds(moment: datetime) -> int:
    """An instant as an integer that sorts; exact, also before 1970."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


class Store(Tally):
    """Mailboxes, their folders, what lies in them, and what changed."""

    #: Called with every line of the change log, inside the transaction that writes it.
    on_change: Callable[[], None] = staticmethod(lambda: None)

    # --- mailboxes ------------------------------------------------------------------------------------------
    def save_mailbox(self, mailbox: Mailbox) -> Mailbox:
        """Creates (id 0) or updates. Raises ValueError naming an address that is taken."""
        with self.transaction():
            for address in mailbox.addresses:
                owner = self._one("SELECT mailbox FROM addresses WHERE address = ?", address.casefold())
                if owner is not None and owner[0] != mailbox.id:
                    raise ValueError(f"The address {address} belongs to another mailbox of this sandbox.")
            if not mailbox.id:
                found = self._db.execute("INSERT INTO mailboxes (doc) VALUES (?)", (b"",))
                mailbox.id = int(found.lastrowid or 0)
                for kind, name in (
                    (CALENDAR, "Calendar"),
                    (DELETED, "Deleted Items"),
                    (RECOVERABLE, "Deletions"),
                ):
                    self._add_folder(mailbox.id, kind, name)
            self._db.execute("UPDATE mailboxes SET doc = ? WHERE id = ?", (_encode(mailbox), mailbox.id))
            self._db.execute("DELETE FROM addresses WHERE mailbox = ?", (mailbox.id,))
            for address in mailbox.addresses:
                self._db.execute("INSERT INTO addresses VALUES (?, ?)", (address.casefold(), mailbox.id))
        return mailbox

    def mailbox(self, address: str) -> Mailbox | None:
        """By primary address or alias, whatever the case."""
        row = self._one(
            "SELECT m.doc FROM addresses a JOIN mailboxes m ON m.id = a.mailbox WHERE a.address = ?",
            address.casefold(),
        )
        return None if row is None else _decode_mailbox(row[0])

    def mailbox_by_id(self, id: int) -> Mailbox | None:
        row = self._one("SELECT doc FROM mailboxes WHERE id = ?", id)
        return None if row is None else _decode_mailbox(row[0])

    def mailboxes(self) -> list[Mailbox]:
        return [_decode_mailbox(doc) for (doc,) in self._all("SELECT doc FROM mailboxes ORDER BY id")]

    def delete_mailbox(self, mailbox: Mailbox) -> None:
        with self.transaction():
            for table in ("addresses", "folders", "items", "properties", "changes"):
                self._db.execute(f"DELETE FROM {table} WHERE mailbox = ?", (mailbox.id,))  # noqa: S608
            self._db.execute("DELETE FROM mailboxes WHERE id = ?", (mailbox.id,))

    def group(self, address: str) -> list[str] | None:
        """The members' addresses of a group, None where the address is no group's."""
        return self.get("group", address.casefold(), list[str])

    # --- folders --------------------------------------------------------------------------------------------
    def _add_folder(self, mailbox: int, kind: str, name: str) -> Folder:
        folder = Folder("AQMk" + new_id()[4:], kind, name)
        self._db.execute("INSERT INTO folders VALUES (?, ?, ?, ?)", (mailbox, *folder))
        return folder

    def add_calendar(self, mailbox: Mailbox, name: str) -> Folder:
        """A secondary calendar."""
        with self.transaction():
            return self._add_folder(mailbox.id, "secondary", name)

    def folders(self, mailbox: Mailbox) -> list[Folder]:
        return [Folder(*row) for row in self._all("SELECT id, kind, name FROM folders WHERE mailbox = ?", mailbox.id)]

    def folder(self, mailbox: Mailbox, kind: str) -> Folder:
        """A mailbox's folder of a kind every mailbox has."""
        row = self._one("SELECT id, kind, name FROM folders WHERE mailbox = ? AND kind = ?", mailbox.id, kind)
        assert row is not None, kind
        return Folder(*row)

    def folder_key(self, mailbox: Mailbox, folder_id: str) -> str | None:
        """What `Item.folder` holds for a folder: the kind of a well-known one, the id of a secondary
        calendar."""
        row = self._one("SELECT id, kind FROM folders WHERE mailbox = ? AND id = ?", mailbox.id, folder_id)
        return None if row is None else (row[0] if row[1] == "secondary" else row[1])

    # --- items ----------------------------------------------------------------------------------------------
    def _next(self) -> int:
        row = self._one("UPDATE sequence SET last = last + 1 RETURNING last")
        assert row is not None
        return int(row[0])

    def save(self, item: Item, *, ends: datetime | None = None, stamp: bool = True, thinned: bool = False) -> Item:
        """Creates or updates an item: new change key, `modified` now, a line in the change log.

        `ends` bounds a series for calendar views: the end of its last occurrence, None for a never-ending
        one. `stamp=False` keeps `modified` and `change_key` as given (an import of a calendar with its own
        stamps). `thinned` says that all that happened is that a series lost an occurrence.
        """
        with self.transaction():
            seq = self._next()
            if stamp or not item.change_key:
                item.change_key = new_change_key()
                item.modified = self.clock.now()
            known = self._one("SELECT created_seq FROM items WHERE id = ?", item.id)
            created_seq = int(known[0]) if known else seq
            last = ends if item.recurrence else item.end
            starts = min([item.start, *(e.fields.start for e in item.exceptions.values() if e.fields.start)])
            self._db.execute(
                "INSERT OR REPLACE INTO items VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    item.id,
                    item.immutable_id,
                    item.mailbox,
                    item.folder,
                    item.uid,
                    item.transaction_id,
                    microseconds(starts),
                    None if last is None else microseconds(last),
                    microseconds(item.modified),
                    created_seq,
                    seq,
                    _encode(item),
                ),
            )
            self._index_properties(item)
            kind = "thinned" if thinned else "updated" if known else "created"
            self._log_change(seq, item, kind, created_seq)
        return item

    def _index_properties(self, item: Item) -> None:
        self._db.execute("DELETE FROM properties WHERE item = ?", (item.id,))
        for key, value in item.extended.items():
            if not isinstance(value, list):
                self._db.execute(
                    "INSERT OR REPLACE INTO properties VALUES (?, ?, ?, ?)",
                    (item.mailbox, key, str(value), item.id),
                )

    def _log_change(self, seq: int, item: Item, kind: str, created_seq: int) -> None:
        at = self.clock.now().isoformat()
        self._db.execute(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, item.mailbox, item.folder, item.id, item.immutable_id, kind, created_seq, at),
        )
        self.on_change()

    def erase(self, item: Item) -> None:
        """Takes an item out of the store altogether, leaving a `deleted` line in its folder's log."""
        with self.transaction():
            row = self._one("SELECT created_seq FROM items WHERE id = ?", item.id)
            if row is None:
                return
            self._db.execute("DELETE FROM items WHERE id = ?", (item.id,))
            self._db.execute("DELETE FROM properties WHERE item = ?", (item.id,))
            self._log_change(self._next(), item, "deleted", int(row[0]))

    def move(self, item: Item, folder: str) -> Item:
        """Moves an item: `deleted` in the old folder, `created` under a new id in the new one.
        `immutable_id` stays."""
        with self.transaction():
            row = self._one("SELECT ends FROM items WHERE id = ?", item.id)
            self.erase(item)
            item.id, item.folder = new_id(), folder
            saved = self.save(item)
            if row is not None:
                self._db.execute("UPDATE items SET ends = ? WHERE id = ?", (row[0], item.id))
        return saved

    def item(self, id: str) -> Item | None:
        return self._item("id = ?", id)

    def item_by_immutable_id(self, id: str) -> Item | None:
        return self._item("immutable_id = ?", id)

    def item_by_transaction(self, mailbox: Mailbox, transaction_id: str) -> Item | None:
        return self._item("mailbox = ? AND transaction_id = ?", mailbox.id, transaction_id)

    def items_by_uid(self, mailbox: Mailbox, uid: str, folder: str = CALENDAR) -> list[Item]:
        return self._items("mailbox = ? AND uid = ? AND folder = ?", mailbox.id, uid, folder)

    def items_by_property(self, mailbox: Mailbox, key: str, value: str, folder: str = CALENDAR) -> list[Item]:
        """Items whose extended property `key` (see `model.extended_key`) has a value."""
        return self._items(
            "folder = ? AND id IN (SELECT item FROM properties WHERE mailbox = ? AND key = ? AND value = ?)",
            folder,
            mailbox.id,
            key,
            value,
        )

    def items_by_id(self, ids: Iterable[str]) -> dict[str, Item]:
        """Several at once, in any order; unknown ids are left out."""
        wanted, found = list(ids), {}
        for n in range(0, len(wanted), 500):
            part = wanted[n : n + 500]
            marks = ",".join("?" * len(part))
            for item in self._items(f"id IN ({marks})", *part):
                found[item.id] = item
        return found

    def items(
        self,
        mailbox: Mailbox,
        folder: str = CALENDAR,
        *,
        offset: int = 0,
        limit: int = -1,
        newest_first: bool = False,
    ) -> list[Item]:
        """A page of a folder in the order of creation."""
        order = "DESC" if newest_first else "ASC"
        return self._items(
            f"mailbox = ? AND folder = ? ORDER BY created_seq {order} LIMIT ? OFFSET ?",
            mailbox.id,
            folder,
            limit,
            offset,
        )

    def items_modified_since(self, mailbox: Mailbox, since: datetime, folder: str = CALENDAR) -> list[Item]:
        return self._items(
            "mailbox = ? AND folder = ? AND modified >= ? ORDER BY modified",
            mailbox.id,
            folder,
            microseconds(since),
        )

    def items_between(self, mailbox: Mailbox, start: datetime, end: datetime, folder: str = CALENDAR) -> list[Item]:
        """Singles and series that may touch [start, end): a superset for series, whose occurrences the
        caller expands."""
        a, b = microseconds(start), microseconds(end)
        return self._items(
            "mailbox = ? AND folder = ? AND starts < ? AND (ends IS NULL OR ends >= ?)",
            mailbox.id,
            folder,
            b,
            a,
        )

    def count_items(self, mailbox: Mailbox, folder: str = CALENDAR) -> int:
        row = self._one("SELECT count(*) FROM items WHERE mailbox = ? AND folder = ?", mailbox.id, folder)
        return int(row[0]) if row else 0

    def _item(self, where: str, *values: object) -> Item | None:
        found = self._items(where + " LIMIT 1", *values)
        return found[0] if found else None

    def _items(self, where: str, *values: object) -> list[Item]:
        rows = self._all("SELECT doc FROM items WHERE " + where, *values)  # noqa: S608 (constants of this module)
        return [_decode_item(doc) for (doc,) in rows]

    # --- the change log -------------------------------------------------------------------------------------
    def last_seq(self) -> int:
        """The newest number of the sequence: the position of a client that has seen everything."""
        row = self._one("SELECT last FROM sequence")
        return int(row[0]) if row else 0

    def changes(self, mailbox: Mailbox, after: int, limit: int, folder: str = CALENDAR) -> list[Change]:
        """What a client at position `after` has not seen, oldest first, at most `limit`: each item once, as
        its last change left it. Items created after and deleted since do not appear."""
        rows = self._all(
            "SELECT changed_seq, id, immutable_id, created_seq, 0 FROM items"
            " WHERE mailbox = ?1 AND folder = ?2 AND changed_seq > ?3"
            " UNION ALL SELECT seq, item, immutable_id, created_seq, 1 FROM changes"
            " WHERE mailbox = ?1 AND folder = ?2 AND kind = 'deleted' AND seq > ?3 AND created_seq <= ?3"
            " ORDER BY 1 LIMIT ?4",
            mailbox.id,
            folder,
            after,
            limit,
        )
        return [Change(seq, id, immutable, created, bool(deleted)) for seq, id, immutable, created, deleted in rows]

    def history(self, mailbox: int, after: int, folder: str) -> list[tuple[int, str, str, str, str]]:
        """Every change after a position, as (seq, item, immutable id, kind, at)."""
        rows = self._all(
            "SELECT seq, item, immutable_id, kind, at FROM changes WHERE mailbox = ? AND folder = ? AND seq > ?"
            " ORDER BY seq",
            mailbox,
            folder,
            after,
        )
        return [(seq, item, immutable, kind, at) for seq, item, immutable, kind, at in rows]

    def last_change(self, mailbox: Mailbox) -> int:
        """The number of a mailbox's newest change; 0 before the first."""
        row = self._one("SELECT max(seq) FROM changes WHERE mailbox = ?", mailbox.id)
        return int(row[0] or 0) if row else 0

    def only_thinned(self, item_id: str, after: int) -> bool:
        """Whether nothing but deletions of occurrences happened to a series since a position."""
        rows = self._all("SELECT DISTINCT kind FROM changes WHERE item = ? AND seq > ?", item_id, after)
        return rows == [("thinned",)]

    def seq_until(self, moment: datetime) -> int:
        """The newest number of the sequence that was given out by a moment of the sandbox's clock."""
        row = self._one("SELECT max(seq) FROM changes WHERE at <= ?", moment.isoformat())
        return int(row[0] or 0) if row else 0

    def window_page(
        self, mailbox: Mailbox, start: datetime, end: datetime, after: int, limit: int, folder: str = CALENDAR
    ) -> list[tuple[int, Item]]:
        """As `items_between`, a page of it in the order of creation: (position, item) behind position `after`."""
        rows = self._all(
            "SELECT created_seq, doc FROM items WHERE mailbox = ? AND folder = ? AND starts < ?"
            " AND (ends IS NULL OR ends >= ?) AND created_seq > ? ORDER BY created_seq LIMIT ?",
            mailbox.id,
            folder,
            microseconds(end),
            microseconds(start),
            after,
            limit,
        )
        return [(seq, _decode_item(doc)) for seq, doc in rows]
