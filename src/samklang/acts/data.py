"""A person's data: to take along, and to be erased (rule 12.2)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from samklang.accounts.models import AuditEvent, User
from samklang.accounts.services import audit
from samklang.activities.erasing import erase_person
from samklang.activities.ical import export_calendar
from samklang.activities.models import Activity
from samklang.activities.rows import entry_of
from samklang.engine.canonical import fields
from samklang.mailboxes import consents, history, journal, waiting
from samklang.mailboxes.models import LinkRow, Mailbox, SetAsideRow
from samklang.mailboxes.secrets import open_json
from samklang.mailboxes.services import Refused
from samklang.mailboxes.status import status
from samklang.severa import taken_along
from samklang.wiring import alone


def everything(user: User) -> dict[str, Any]:
    """All we keep of this person, in clear, for himself: profile, activities, links, history."""
    mailbox = Mailbox.objects.filter(user=user).select_related("user", "connection").first()
    return {
        "profile": {
            "id": user.psa_id,
            "email": user.email,
            "name": user.name,
            "role": user.role,
            "zone": user.zone,
            "language": user.language,
            "microsoft_account": user.microsoft_id,
            "created": user.created,
            "tokens": list(user.tokens.order_by("pk").values("name", "made_by", "created", "last_used", "revoked")),
        },
        "activities": _activities(user),
        "synchronization": _synchronization(mailbox) if mailbox else None,
        "acts": list(AuditEvent.objects.filter(actor=user).order_by("pk").values("at", "action", "details")),
    }


def archive(user: User) -> bytes:
    """The same as a zip file: one JSON file for each part, and the built-in calendar as iCalendar too."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in everything(user).items():
            packed.writestr(f"{name}.json", json.dumps(part, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
        if not user.organization.in_severa:
            packed.writestr("activities.ics", export_calendar(user))
    return file.getvalue()


def _activities(user: User) -> list[dict[str, Any]]:
    if user.organization.in_severa:
        return taken_along.activities_of(user)
    return [_activity(one) for one in Activity.objects.of_person(user).whole().order_by("pk")]


def _activity(activity: Activity) -> dict[str, Any]:
    return {
        "id": activity.psa_id,
        "type": activity.type.name,
        "owner": activity.owner.email if activity.owner else None,
        "participants": [row.shown_address or row.shown_name for row in activity.participants.all()],
        "closed": activity.closed,
        "created": activity.created,
        "modified": activity.modified,
        "content": fields(entry_of(activity)),
    }


def _synchronization(mailbox: Mailbox) -> dict[str, Any]:
    links = LinkRow.objects.filter(mailbox=mailbox).order_by("changed_at")
    names = ("status", "psa_id", "item_id", "uid", "born", "role", "reason", "changed_at")
    asides = SetAsideRow.objects.filter(mailbox=mailbox)
    return {
        "state": status(mailbox),
        "links": [{name: getattr(row, name) for name in names} | {"base": open_json(row.base)} for row in links],
        "set_aside": list(asides.values("side", "entry_id", "code", "params", "since", "ignored")),
        "near_matches": waiting.near_matches(mailbox),
        "runs": list(mailbox.runs.order_by("pk").values("id", "started_at", "finished_at", "cause", "report")),
        "history": [_write(row) for row in reversed(history.rows_of(mailbox))],
    }


def _write(row: Any) -> dict[str, Any]:
    change = journal.change_of(row)
    return {
        "at": row.at,
        "run": row.run_id,
        "side": row.side,
        "kind": row.kind,
        "cause": row.cause,
        "by": row.by,
        "rule": row.rule,
        "psa_id": row.psa_id,
        "item_id": row.item_id,
        "undone_at": row.undone_at,
        "before": dict(change.before),
        "after": dict(change.after),
        "lost": dict(change.losers),
    }


# --- erasing --------------------------------------------------------------------------------------------------------


def erase_synchronization(user: User, *, by: User | None) -> None:
    """Links, history, runs and all else we remember of his mailbox. Both calendars stay as they are.

    Raises Busy while a run is under way.
    """
    consents.forget(user)
    mailbox = Mailbox.objects.filter(user=user).first()
    if mailbox is None:
        return
    with alone(mailbox.pk), transaction.atomic():
        mailbox.delete()
        audit(user.organization, "sync.erase", by=by, subject=user.pk)


def erase_everything(user: User, *, by: User | None) -> Mapping[str, int]:
    """The person: account, activities that are his alone, his part in others', links and history.

    Nothing is deleted in Exchange. Raises Busy, and Refused("last_administrator") when nobody is
    left to administrate.
    """
    others = User.objects.of(user.organization).active().filter(role=user.role).exclude(pk=user.pk)
    if user.is_administrator and not others.exists():
        raise Refused("last_administrator")
    erase_synchronization(user, by=by)
    with transaction.atomic():
        counts = erase_person(user)
        audit(user.organization, "user.erase", by=by if by != user else None, subject=user.pk, **counts)
        user.delete()
    return counts
