"""The ways to change an organization's arrangement with Severa. Every act names who does it, and is audited."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F

from samklang import clock
from samklang.accounts.models import Organization, User
from samklang.accounts.services import audit
from samklang.mailboxes import dirty
from samklang.mailboxes import services as mailboxes
from samklang.mailboxes.access import Step
from samklang.mailboxes.models import Connection, LinkRow, Mailbox, NearMatchRow, SetAsideRow
from samklang.mailboxes.secrets import open_sealed, seal
from samklang.mailboxes.services import Refused
from samklang.severa import opening, roster
from samklang.severa.models import Arrangement, Mirror

FIELDS = ("url", "client_id", "secret")
#: What a mailbox remembers of the calendar its entries were joined with; none of it is true of another one.
_FORGOTTEN: Mapping[str, Any] = {
    **{"psa_token": "", "exchange_token": "", "first_run_done": False, "started_on": None, "reconciled_on": None},
    **{"waiting_for": "", "waiting_plan": "", "waiting_counts": {}, "waiting_preview": b"", "accepted_plan": ""},
    **{"accept_any": False, "accepted_actions": [], "errand": "", "error_code": "", "error_detail": "", "failures": 0},
}


def arrangement_of(organization: Organization) -> Arrangement:
    return Arrangement.objects.select_related("organization").get_or_create(organization=organization)[0]


def digest(arrangement: Arrangement) -> str:
    """Names the settings a test was made with; the secret counts by content."""
    values = (arrangement.url, arrangement.client_id, open_sealed(arrangement.secret))
    return hashlib.sha256("\x1f".join(values).encode()).hexdigest()


def is_tested(arrangement: Arrangement) -> bool:
    return bool(arrangement.tested) and arrangement.tested == digest(arrangement)


@transaction.atomic
def save(arrangement: Arrangement, values: Mapping[str, str], by: User | None) -> None:
    """Save settings; an empty secret keeps the one there is. A paused connection is tried at once (rule 10.3).

    Raises Refused: "severa_address", and "severa_secret_again" where the kept secret would go to another server than
    the one it was given for.
    """
    given = {name: values[name] for name in FIELDS if values.get(name)}
    if "url" in given:
        given["url"] = address(given["url"])
        if arrangement.secret and "secret" not in given and not _same_server(arrangement.url, given["url"]):
            raise Refused("severa_secret_again")
    for name, value in given.items():
        setattr(arrangement, name, seal(value) if name == "secret" else value)
    arrangement.token = ""
    # Another client may have other scopes; the next test tells which.
    arrangement.scopes = []
    arrangement.save()
    audit(arrangement.organization, "severa.save", by=by, fields=sorted(values))
    if arrangement.organization.in_severa:
        mailboxes.probe_if_paused(mailboxes.connection_of(arrangement.organization))


def address(url: str) -> str:
    """The address of a Severa's REST API as it is kept: with the version (Severa facts §1.1).

    Raises Refused("severa_address") for one that is not https, or holds more than an address.
    """
    cleaned = url.strip().rstrip("/")
    try:
        parts = urlsplit(cleaned)
        named = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise Refused("severa_address") from None
    if not named or parts.username or parts.password or parts.query or parts.fragment:
        raise Refused("severa_address")
    return cleaned if re.search(r"/v\d+(\.\d+)?$", cleaned) else f"{cleaned}/v1"


def _same_server(one: str, other: str) -> bool:
    return urlsplit(one).netloc.lower() == urlsplit(other).netloc.lower()


def test(arrangement: Arrangement, address: str, by: User | None) -> list[Step]:
    """Every step by name until the first that fails; a passed test lets the arrangement be switched on."""
    steps, found = opening.probe(arrangement, address)
    passed = all(step.ok for step in steps)
    arrangement.tested = digest(arrangement) if passed else ""
    arrangement.tested_at = clock.now()
    if passed:
        arrangement.scopes = list(found.scopes)
        arrangement.tenant, arrangement.tenant_name = found.organization.id, (found.organization.name or "")[:256]
        arrangement.leads_there = opening.place(arrangement)
    names = ["tested", "tested_at", "scopes", "tenant", "tenant_name", "leads_there"]
    arrangement.save(update_fields=names)
    audit(arrangement.organization, "severa.test", by=by, passed=passed)
    if passed:
        roster.read_anew(arrangement)
    return steps


@transaction.atomic
def confirm(arrangement: Arrangement, confirmed: bool, by: User | None, now: datetime) -> None:
    """Rule 13.6: an administrator says that Severa's own calendar sync and its mails of new activities are off."""
    arrangement.confirmed_at, arrangement.confirmed_by = (now, by) if confirmed else (None, None)
    arrangement.save(update_fields=["confirmed_at", "confirmed_by"])
    audit(arrangement.organization, "severa.confirm", by=by, confirmed=confirmed)


@transaction.atomic
def set_ticks(arrangement: Arrangement, ticked: Collection[str], by: User | None) -> None:
    """Let activities of exactly these types (guids) be created in Exchange (rule 1.5). Every mailbox looks at all
    activities again, in the mirror."""
    arrangement.ticked = sorted(ticked)
    arrangement.save(update_fields=["ticked"])
    audit(arrangement.organization, "severa.tick", by=by, types=arrangement.ticked)
    if arrangement.organization.in_severa:
        on = Mailbox.objects.filter(user__organization=arrangement.organization, on=True)
        on.update(psa_token="")
        dirty.mark_mailboxes(on.values_list("id", flat=True))


@transaction.atomic
def switch_on(arrangement: Arrangement, by: User | None) -> None:
    """From now on the organization's activities are those of its Severa.

    Raises Refused: "severa_test_first", "severa_confirm_first" (rule 13.6), "severa_while_syncing".
    """
    if not is_tested(arrangement):
        raise Refused("severa_test_first")
    if arrangement.confirmed_at is None:
        raise Refused("severa_confirm_first")
    _move(arrangement.organization, Organization.Psa.SEVERA)
    connection = mailboxes.connection_of(arrangement.organization)
    mailboxes.save_connection(connection, {"mode": Connection.Mode.CONTINUOUS}, by)
    arrangement.poll_due = clock.real_now()
    arrangement.save(update_fields=["poll_due"])
    roster.match(arrangement)
    audit(arrangement.organization, "severa.on", by=by)


@transaction.atomic
def switch_off(arrangement: Arrangement, by: User | None) -> None:
    """Back to the built-in calendar; nothing is removed anywhere. Raises Refused("severa_while_syncing")."""
    _move(arrangement.organization, Organization.Psa.BUILT_IN)
    User.objects.of(arrangement.organization).update(severa_id="")
    Mirror.objects.filter(organization=arrangement.organization).delete()
    arrangement.told = 0
    arrangement.save(update_fields=["told"])
    audit(arrangement.organization, "severa.off", by=by)


def _move(organization: Organization, psa: str) -> None:
    """Let the activities be kept elsewhere. What was linked was linked with others: who switches on again begins with a
    first run and its preview, which matches by content (rules 3.1, 3.5)."""
    theirs = Mailbox.objects.filter(user__organization=organization)
    if theirs.filter(on=True).exists():
        raise Refused("severa_while_syncing")
    for model in (LinkRow, SetAsideRow, NearMatchRow):
        model.objects.filter(mailbox__in=theirs).delete()
    theirs.update(**_FORGOTTEN, synced_seq=F("seq"), next_due=None)
    organization.psa = psa
    organization.save(update_fields=["psa"])


def shown(arrangement: Arrangement) -> dict[str, Any]:
    """The settings without secrets, for `severa show` and the API."""
    return {
        "on": arrangement.organization.in_severa,
        "url": arrangement.url,
        "client_id": arrangement.client_id,
        "secret": "set" if arrangement.secret else "not set",
        "organization": arrangement.tenant_name,
        "tested": is_tested(arrangement),
        "confirmed": arrangement.confirmed_at is not None,
        "scopes": arrangement.scopes,
        "types": len(arrangement.ticked),
    }
