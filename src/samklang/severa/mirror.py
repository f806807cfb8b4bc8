"""The mirror of an organization's activities in the database: implements `connectors.severa.mirror.Mirror`."""

from __future__ import annotations

import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max, Q

from samklang import clock
from samklang.connectors.severa.mirror import Creation, Row
from samklang.mailboxes.models import JournalRow, LinkRow
from samklang.mailboxes.secrets import open_json, seal_json
from samklang.severa import models
from samklang.sync.errors import Throttled

#: First number of the advisory locks; the second is of the organization and what is done.
_LOCK_SPACE = 84802
#: Seconds to wait for another process, and then to stay away: a first listing takes minutes.
_PATIENCE, _STAY_AWAY = 20.0, 60.0
#: Rows read or written at once.
_BATCH = 500


class DjangoMirror:
    def __init__(self, organization_id: int) -> None:
        self._organization = organization_id
        self._mirror, _made = models.Mirror.objects.get_or_create(organization_id=organization_id)

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """A session lock, which goes with its holder."""
        keys = [_LOCK_SPACE, zlib.crc32(f"{self._organization} {what}".encode()) - 2**31]
        tries = 0
        with connection.cursor() as cursor:
            while not _one(cursor, "select pg_try_advisory_lock(%s, %s)", keys):
                tries += 1
                if tries * 0.1 > _PATIENCE:
                    raise Throttled(_STAY_AWAY, "severa_is_being_read")
                time.sleep(0.1)
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, %s)", keys)

    def epoch(self) -> str:
        return str(models.Mirror.objects.values_list("epoch", flat=True).get(pk=self._mirror.pk))

    def state(self, name: str) -> bytes:
        kept = self._mirror.states.filter(name=name).values_list("content", flat=True).first()
        return _open(kept) if kept else b""

    def save_state(self, name: str, state: bytes) -> None:
        self._mirror.states.update_or_create(name=name, defaults={"content": _seal(state)})

    def get(self, ids: Collection[str]) -> Mapping[str, Row]:
        found = self._mirror.rows.filter(guid__in=ids)
        return {row.guid: _row(row) for row in found} if ids else {}

    @transaction.atomic
    def put(self, rows: Sequence[Row]) -> None:
        """Writers of one mirror follow each other, so that a number once seen has none before it still to come."""
        mirror = models.Mirror.objects.select_for_update().get(pk=self._mirror.pk)
        held = {row.guid: row for row in mirror.rows.filter(guid__in=[row.id for row in rows]).defer("content")}
        now = clock.now()
        models.MirrorRow.objects.bulk_create(
            [
                models.MirrorRow(
                    mirror=mirror,
                    guid=row.id,
                    number=number,
                    users=sorted(row.users),
                    left=_left(held.get(row.id), row, number),
                    gone_at=now if row.gone else None,
                    content=_seal(row.content),
                )
                for number, row in enumerate(rows, mirror.last + 1)
            ],
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=["mirror", "guid"],
            update_fields=["number", "users", "left", "gone_at", "content"],
        )
        models.Mirror.objects.filter(pk=mirror.pk).update(last=mirror.last + len(rows))

    def succeed(self, old: str, new: str) -> None:
        theirs = {"mailbox__user__organization_id": self._organization}
        LinkRow.objects.filter(**theirs, psa_id=old).update(psa_id=new)
        # Its history is one, and can be put back from (rules 11.1, 11.2).
        JournalRow.objects.filter(**theirs, psa_id=old).update(psa_id=new)

    def newest(self) -> int:
        return int(models.Mirror.objects.values_list("last", flat=True).get(pk=self._mirror.pk))

    def since(self, number: int, user_id: str) -> Sequence[Row] | None:
        mirror = models.Mirror.objects.get(pk=self._mirror.pk)
        if not mirror.forgotten <= number <= mirror.last:
            return None
        concerned = Q(users__contains=[user_id]) | Q(left__has_key=user_id)
        found = self._mirror.rows.filter(concerned, number__gt=number).order_by("number")
        return [_row(row) for row in found if row.left.get(user_id, row.number) > number]

    def of_user(self, user_id: str) -> Iterator[Row]:
        return self._each(users__contains=[user_id])

    def there(self) -> Iterator[Row]:
        return self._each()

    def _each(self, **conditions: object) -> Iterator[Row]:
        """By key, so that what is written meanwhile neither doubles nor hides anything; what changed has a number."""
        last = 0
        rows = self._mirror.rows.filter(gone_at=None, **conditions).order_by("pk")
        while page := list(rows.filter(pk__gt=last)[:_BATCH]):
            last = page[-1].pk
            yield from map(_row, page)

    def creation(self, key: str) -> Creation | None:
        kept = self._mirror.creations.filter(key=key).first()
        return Creation(_open(kept.content), kept.guid) if kept else None

    def save_creation(self, key: str, creation: Creation) -> None:
        values = {"guid": creation.id, "content": _seal(creation.content)}
        self._mirror.creations.update_or_create(key=key, defaults=values)


@transaction.atomic
def forget(before: datetime) -> int:
    """Forget what was gone before then, and creates that were begun before: nothing is restored from them any longer.

    Tokens from before the last of them are rejected. Returns how many activities.
    """
    count = 0
    for mirror in models.Mirror.objects.select_for_update():
        old = mirror.rows.filter(gone_at__lt=before)
        last = old.aggregate(last=Max("number"))["last"]
        if last is not None:
            mirror.forgotten = max(mirror.forgotten, last)
            mirror.save(update_fields=["forgotten"])
            count += old.delete()[0]
        # What a key made is known for as long as it is there: a colleague's mailbox may still come with it (rule 4.3).
        mirror.creations.filter(at__lt=before).exclude(guid__in=mirror.rows.values("guid")).delete()
    return count


def _left(held: models.MirrorRow | None, row: Row, number: int) -> dict[str, int]:
    """Since which number each of those it concerned before does not take part any longer."""
    before = {**held.left, **dict.fromkeys(held.users, number)} if held is not None else {}
    return {user: since for user, since in before.items() if user not in row.users}


def _one(cursor: object, sql: str, parameters: Iterable[int]) -> object:
    cursor.execute(sql, parameters)  # type: ignore[attr-defined]
    return cursor.fetchone()[0]  # type: ignore[attr-defined]


def _row(row: models.MirrorRow) -> Row:
    return Row(row.guid, frozenset(row.users), _open(row.content), row.gone_at is not None, row.number)


def _seal(content: bytes) -> bytes:
    return seal_json(content.decode())


def _open(sealed: bytes | memoryview) -> bytes:
    return str(open_json(sealed)).encode()
