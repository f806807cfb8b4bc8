"""`sync.ports.Store` on the database: everything one run reads and writes of its mailbox."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q, QuerySet

from samklang.accounts.models import User
from samklang.clock import real_now
from samklang.engine.actions import NearMatch
from samklang.engine.canonical import CANON_VERSION
from samklang.engine.marks import DELETED
from samklang.engine.model import Base, ColleagueLink, Fields, Link, LinkStatus, Role, SetAside, Side
from samklang.mailboxes import journal, statements, waiting
from samklang.mailboxes.models import LinkRow, Mailbox, Run, SetAsideRow
from samklang.mailboxes.secrets import SealedBase, SealedFields, open_sealed, seal, seal_json
from samklang.sync.ports import Begun, Change, MailboxState, Tokens

#: Seconds until a stop that was asked for is seen.
_STOPS_WITHIN = 0.5
_COLUMNS = (
    "id",
    "status",
    "psa_id",
    "item_id",
    "uid",
    "key",
    "born",
    "base",
    "psa_version",
    "item_version",
    "type_id",
    "role",
    "reason",
)


class DjangoStore:
    """What the database knows of one mailbox. Every method is one transaction."""

    def __init__(self, mailbox_id: int, run_id: int | None, now: Callable[[], datetime]) -> None:
        self._mailbox_id = mailbox_id
        self._run_id = run_id
        self._now = now
        #: Moment on the monotonic clock.
        self._look_again = 0.0

    def _row(self) -> Mailbox:
        return Mailbox.objects.get(pk=self._mailbox_id)

    def _update(self, **values: object) -> None:
        Mailbox.objects.filter(pk=self._mailbox_id).update(**values)

    def state(self) -> MailboxState:
        row = self._row()
        return MailboxState(
            mailbox_id=str(row.pk),
            tokens=Tokens(open_sealed(row.psa_token) or None, open_sealed(row.exchange_token) or None),
            started_on=row.started_on,
            first_run_done=row.first_run_done,
            accepted_plan=row.accepted_plan or None,
            accept_any=row.accept_any,
            accepted_actions=frozenset(row.accepted_actions),
        )

    def links(self) -> Sequence[Link]:
        rows = LinkRow.objects.filter(mailbox_id=self._mailbox_id).values_list(*_COLUMNS)
        return [_link(row) for row in rows.iterator(chunk_size=2000)]

    def set_aside(self) -> Sequence[SetAside]:
        return [
            SetAside(Side(r.side), r.entry_id, r.code, r.params, r.tries, r.retry_at, r.version)
            for r in SetAsideRow.objects.filter(mailbox_id=self._mailbox_id)
        ]

    def meetings(self, uids: Collection[str], psa_ids: Collection[str]) -> Sequence[ColleagueLink]:
        if not (uids or psa_ids):
            return []
        rows = self._of_colleagues().filter(
            Q(uid__in=uids) | Q(psa_id__in=psa_ids, role__in=[role.value for role in Role if role.is_meeting]),
            status__in=[LinkStatus.LINKED, LinkStatus.UNLINKED],
            psa_id__isnull=False,
        )
        rows = rows.exclude(status=LinkStatus.UNLINKED, reason=DELETED)
        found = rows.values_list("uid", "psa_id", "role", "mailbox__user__email", "status", "base")
        return [
            ColleagueLink(uid, psa_id or "", Role(role), email.casefold(), status == LinkStatus.LINKED, _base(base))
            for uid, psa_id, role, email, status, base in found
        ]

    def being_made(self, keys: Collection[str]) -> Collection[str]:
        begun = self._of_colleagues().filter(key__in=keys, status=LinkStatus.CREATING)
        return set(begun.values_list("key", flat=True))

    def _of_colleagues(self) -> QuerySet[LinkRow]:
        """Links of the organization's other mailboxes."""
        organization = User.objects.filter(mailbox=self._mailbox_id).values("organization_id")
        return LinkRow.objects.filter(
            mailbox__user__organization__in=organization,
            mailbox__on=True,
            mailbox__user__is_active=True,  # who has left speaks for no meeting any longer (rule 4.8)
        ).exclude(mailbox_id=self._mailbox_id)

    def begin_create(
        self, side: Side, seen_id: str, link: Link | None, base: Base | None = None, key: str = "", uid: str = ""
    ) -> Link:
        known = link or Link("", LinkStatus.LINKED, None, None, born=side.other)
        # Made again, the entry gets a new id on `side`: the old one must not be found.
        psa_id, item_id = (seen_id, None) if side is Side.EXCHANGE else (None, seen_id)
        begun = replace(
            known,
            id=known.id or str(uuid.uuid4()),
            status=LinkStatus.CREATING,
            key=known.key if known.status is LinkStatus.CREATING else key or str(uuid.uuid4()),
            reason="",
            psa_id=psa_id,
            item_id=item_id,
            uid=uid or known.uid,
            base=known.base if base is None else base,
        )
        if link is not None:
            statements.save_link(self._values(begun)).run()
        elif not statements.insert_new_link(self._values(begun)).run():
            # The entry has a link or mark after all: that one is renewed.
            return self.begin_create(side, seen_id, self._of_entry(side.other, seen_id), base, key, uid)
        return begun

    def _of_entry(self, side: Side, entry_id: str) -> Link:
        column = {"psa_id": entry_id} if side is Side.PSA else {"item_id": entry_id}
        return _link(LinkRow.objects.values_list(*_COLUMNS).get(mailbox_id=self._mailbox_id, **column))

    def begin(self, change: Change) -> str:
        return journal.begin(self._mailbox_id, self._run_id, self._now(), change)

    def begun(self) -> Sequence[Begun]:
        return journal.begun(self._mailbox_id)

    def gone_over(self, item_id: str) -> Sequence[Fields]:
        return journal.gone_over(self._mailbox_id, item_id)

    def settle(self, begun_id: str, *, happened: bool) -> None:
        journal.settle(begun_id, happened=happened)

    def record(self, link: Link | None, change: Change | None = None, *, remove: bool = False, begun: str = "") -> None:
        steps = []
        if link is not None:
            of_link = {Side.PSA: link.psa_id, Side.EXCHANGE: link.item_id}
            entries = [(side.value, entry_id) for side, entry_id in of_link.items() if entry_id is not None]
            if entries:
                steps.append(statements.lift(self._mailbox_id, entries))
            # A link without id is new.
            steps.append(
                statements.remove_link(link.id) if remove else statements.save_link(self._values(link, change))
            )
        if change is not None:
            written = (self._mailbox_id, self._run_id, self._now(), change)
            steps.append(journal.finish(begun, change) if begun else journal.insert(*written))
        if steps:
            statements.together(steps).run()

    @transaction.atomic
    def put_aside(self, entry: SetAside, link: Link | None = None) -> None:
        if link is not None:
            statements.save_link(self._values(link)).run()
        mine: dict[str, Any] = {"mailbox_id": self._mailbox_id, "side": entry.side, "entry_id": entry.id}
        # What its user ignores stays ignored until it changes, or waits for another reason.
        ignored = SetAsideRow.objects.filter(**mine, code=entry.code, version=entry.version, ignored=True).exists()
        SetAsideRow.objects.update_or_create(
            **mine,
            defaults={
                "code": entry.code,
                "params": dict(entry.params),
                "tries": entry.tries,
                "retry_at": None if ignored else entry.retry_at,
                "version": entry.version,
                "ignored": ignored,
            },
        )

    def lift(self, side: Side, entry_id: str) -> None:
        SetAsideRow.objects.filter(mailbox_id=self._mailbox_id, side=side, entry_id=entry_id).delete()

    def save_tokens(self, tokens: Tokens) -> None:
        self._update(psa_token=seal(tokens.psa or ""), exchange_token=seal(tokens.exchange or ""))

    def begin_accepted(self, actions: Collection[str]) -> None:
        self._update(accepted_actions=sorted(actions))

    def finish_accepted(self) -> None:
        self._update(accepted_actions=[])

    def begin_first_run(self, started_on: date) -> None:
        self._update(started_on=started_on)

    def finish_first_run(self) -> None:
        self._update(
            first_run_done=True,
            accepted_plan="",
            accept_any=False,
            waiting_for="",
            waiting_plan="",
            waiting_counts={},
        )

    def note_near_matches(self, found: Sequence[NearMatch]) -> None:
        waiting.note_near_matches(self._mailbox_id, found)

    def heard(self, at: datetime, progress: Mapping[str, int]) -> None:
        self._update(progress={**progress, "at": at.isoformat()})

    def should_stop(self) -> bool:
        """Asked before every action; the row is looked at twice a second."""
        if time.monotonic() < self._look_again:
            return False
        row = (
            Mailbox.objects.filter(pk=self._mailbox_id)
            .values_list("on", "stop_asked", "connection__enabled", "connection__paused_code")
            .get()
        )
        self._look_again = time.monotonic() + _STOPS_WITHIN
        on, asked, enabled, paused = row
        return asked or not on or not enabled or bool(paused)

    def _values(self, link: Link, change: Change | None = None) -> dict[str, object]:
        """The link's row, by column. An update of one side carries a person's edit of the other."""
        edited = change.side.other if change and change.kind == "update" else None
        return {
            "id": link.id or str(uuid.uuid4()),
            "mailbox_id": self._mailbox_id,
            "status": link.status.value,
            "psa_id": link.psa_id,
            "item_id": link.item_id,
            "uid": link.uid,
            "key": link.key,
            "born": link.born.value,
            "base": seal_json({one.name: dict(getattr(link.base, one.name)) for one in fields(Base)}),
            "canon_version": CANON_VERSION,
            "psa_version": link.psa_version,
            "item_version": link.item_version,
            "type_id": link.type_id,
            "role": link.role.value,
            "reason": link.reason,
            "edited_psa": edited is Side.PSA,
            "edited_exchange": edited is Side.EXCHANGE,
            "changed_at": real_now(),
        }


def _base(sealed: bytes | memoryview) -> Base:
    """Opened when it is first looked into."""
    held = SealedBase(sealed)
    return Base(*(SealedFields(held, one.name) for one in fields(Base)))


def _link(row: tuple) -> Link:
    ident, status, psa_id, item_id, uid, key, born, base, psa_version, item_version, type_id, role, reason = row
    return Link(
        id=str(ident),
        status=LinkStatus(status),
        psa_id=psa_id,
        item_id=item_id,
        uid=uid,
        key=key,
        born=Side(born),
        base=_base(base),
        psa_version=psa_version,
        item_version=item_version,
        type_id=type_id,
        role=Role(role),
        reason=reason,
    )


def open_run(mailbox_id: int, cause: str, now: datetime) -> Run:
    """A fresh run row; its id goes into every journal row of the run."""
    return Run.objects.create(mailbox_id=mailbox_id, cause=cause, started_at=now)


def close_run(run: Run, report: object, now: datetime) -> None:
    values = asdict(report)  # type: ignore[call-overload]
    Run.objects.filter(pk=run.pk).update(finished_at=now, report=json.loads(DjangoJSONEncoder().encode(values)))
