"""The ways to change a connection or a switch. Every caller names who does it; every act is audited."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from samklang import clock
from samklang.accounts.models import Organization, User
from samklang.accounts.services import audit
from samklang.mailboxes import dirty, expiry
from samklang.mailboxes.models import Connection, Mailbox
from samklang.mailboxes.secrets import open_sealed, seal

#: Settings that decide who answers at the other end: changing one asks for a new test.
TESTED_FIELDS = ("version", "domain", "url", "username", "password", "auth", "ca_certificate", "tenant")
#: Those of a proxy, which count where there is one.
PROXY_FIELDS = ("proxy", "proxy_username", "proxy_password")
SEALED_FIELDS = ("password", "proxy_password")
POLICY_FIELDS = ("conflict", "mode", "show_private")
#: Settings that decide which server has the mailboxes: with another one every id is another (rule 3.6).
PLACE_FIELDS = ("version", "url", "tenant")
PROBE_EVERY = timedelta(hours=1)
#: How long Microsoft may take until what was consented to holds everywhere (rule 10.3).
CONSENT_TAKES = timedelta(hours=2)
#: A mailbox that is not found yet, or has to be found again.
UNFOUND: Mapping[str, Any] = {"address": "", "matched_by": "", "directory_id": None, "aliases": []}


class Refused(Exception):
    """The act is not allowed; `code` names the reason for page and API."""

    def __init__(self, code: str, **params: str) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


def connection_of(organization: Organization) -> Connection:
    return Connection.objects.get_or_create(organization=organization)[0]


def digest(connection: Connection) -> str:
    """Names the settings a test was made with; passwords count by content."""
    names = TESTED_FIELDS + (PROXY_FIELDS if connection.proxy else ())
    values = [
        open_sealed(getattr(connection, name)) if name in SEALED_FIELDS else str(getattr(connection, name))
        for name in names
    ]
    return hashlib.sha256("\x1f".join(values).encode()).hexdigest()


def may_enable(connection: Connection) -> bool:
    """Rule 1.1: only after a connection test passed with the settings saved."""
    return bool(connection.tested) and connection.tested == digest(connection)


@transaction.atomic
def save_connection(connection: Connection, values: Mapping[str, Any], by: User | None) -> Connection:
    """Save settings (`put`). A paused connection is probed at once (rule 10.3).

    Raises Refused: "severa_is_polled": nobody sees who uses Severa (rule 9.2); "proxy_address".
    """
    if connection.organization.in_severa and values.get("mode") == Connection.Mode.ON_USE:
        raise Refused("severa_is_polled")
    mode, place = connection.mode, _place(connection)
    put(connection, values)
    moved = _place(connection) != place
    if moved:
        connection.server_build = ""
    connection.save()
    audit(connection.organization, "connection.save", by=by, fields=sorted(values))
    if moved:
        _look_anew(connection)
    if connection.mode != mode:
        _change_rhythm(connection, clock.real_now())
    probe_if_paused(connection)
    return connection


def put(connection: Connection, values: Mapping[str, Any]) -> None:
    """Settings into the row, without saving it. An empty password keeps the one there is; a proxy's goes with it.

    Raises Refused("proxy_address").
    """
    for name, value in values.items():
        if name in SEALED_FIELDS:
            if value:
                setattr(connection, name, seal(value))
        elif name == "proxy":
            connection.proxy = proxy_address(value)
        elif name in (*TESTED_FIELDS, *PROXY_FIELDS, *POLICY_FIELDS):
            setattr(connection, name, value)
        else:
            raise ValueError(f"{name} is not a setting of a connection")
    if not connection.proxy:
        connection.proxy_username = connection.proxy_password = ""


def proxy_address(text: str) -> str:
    """A proxy's URL; "" for none. User and password have fields of their own: an URL is shown and logged.

    Raises Refused("proxy_address").
    """
    text = text.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        port_is_one = parts.port != 0
    except ValueError:
        raise Refused("proxy_address") from None
    whole = parts.scheme in ("http", "https") and parts.hostname and port_is_one
    if text and (not whole or "@" in parts.netloc or parts.path or parts.query or parts.fragment):
        raise Refused("proxy_address")
    return text


def _place(connection: Connection) -> tuple[str, ...]:
    return tuple(str(getattr(connection, name)) for name in PLACE_FIELDS)


def _look_anew(connection: Connection) -> None:
    """The connection leads elsewhere now (rule 3.6): every mailbox is found and read anew. Links and start dates stay:
    events are found again by their UIDs and contents. What was found out of the service is not known of the other."""
    connection.whole_delta = ""
    connection.save(update_fields=["whole_delta"])
    connection.mailboxes.update(**UNFOUND, exchange_token="")


def _change_rhythm(connection: Connection, now: datetime) -> None:
    """Continuous: every mailbox is polled from now on. On use: nobody who is away starts a run (rules 9.1, 9.2)."""
    continuous = connection.mode == Connection.Mode.CONTINUOUS
    idle = connection.mailboxes.filter(on=True, failures=0, waiting_for="", stop_asked=False)
    idle.update(next_due=now if continuous else None)


def record_test(connection: Connection, passed: bool, now: datetime, by: User | None) -> None:
    connection.tested = digest(connection) if passed else ""
    connection.tested_at = now
    connection.save(update_fields=["tested", "tested_at"])
    audit(connection.organization, "connection.test", by=by, passed=passed)


@transaction.atomic
def enable(connection: Connection, by: User | None) -> None:
    """Raises Refused("test_first")."""
    if not may_enable(connection):
        raise Refused("test_first")
    connection.enabled = True
    connection.save(update_fields=["enabled"])
    audit(connection.organization, "connection.enable", by=by)
    if not probe_if_paused(connection):
        resume(connection)


@transaction.atomic
def disable(connection: Connection, by: User | None) -> None:
    """Pause the whole organization; nothing is unlinked or deleted. What tells us of changes is ended."""
    connection.enabled = False
    connection.save(update_fields=["enabled"])
    audit(connection.organization, "connection.disable", by=by)
    _end_push(connection.mailboxes.all())


def awaits_microsoft(connection: Connection, code: str, now: datetime) -> bool:
    """True for two hours after a consent: a refusal, unless Severa's, means that it does not hold everywhere yet
    (rule 10.3)."""
    consented = connection.consented_at
    fresh = connection.is_office365 and consented is not None and now < consented + CONSENT_TAKES
    return fresh and not code.startswith("severa_")


def pause(connection: Connection, code: str, detail: str, now: datetime) -> bool:
    """One refusal pauses (rule 10.3). True when it was not paused before: then one alert is due."""
    fresh = Connection.objects.filter(pk=connection.pk, paused_code="").update(
        paused_code=code, paused_detail=detail[:200], paused_at=now, probe_at=now + PROBE_EVERY
    )
    if not fresh:
        Connection.objects.filter(pk=connection.pk).update(probe_at=now + PROBE_EVERY)
    else:
        audit(connection.organization, "connection.pause", by=None, code=code)
    return bool(fresh)


def probe_if_paused(connection: Connection) -> bool:
    """What was refused may be mended. Every syncing mailbox is due, and the first that comes tries the access alone: a
    wrong password again would be one more refusal, not one for each worker (rule 10.3). False when not paused."""
    if not connection.paused_code:
        return False
    connection.probe_at = clock.real_now()
    connection.save(update_fields=["probe_at"])
    _all_due(connection)
    return True


def is_tried_next(connection: Connection) -> bool:
    """It is paused, and the next run tries whether the access works again."""
    return bool(connection.paused_code and connection.probe_at and connection.probe_at <= clock.real_now())


@transaction.atomic
def resume(connection: Connection) -> None:
    """The way is free again: every syncing mailbox is due."""
    Connection.objects.filter(pk=connection.pk).update(paused_code="", paused_detail="", paused_at=None, probe_at=None)
    connection.refresh_from_db()
    _all_due(connection)


def _all_due(connection: Connection) -> None:
    if connection.enabled:
        dirty.mark_mailboxes(connection.mailboxes.filter(on=True).values_list("id", flat=True))


@transaction.atomic
def switch_on(user: User, now: datetime, *, unseen: bool = False) -> Mailbox:
    """The user's own act (rule 1.2). `unseen`: start without preview (rule 3.5). Raises Refused."""
    connection = Connection.objects.filter(organization_id=user.organization_id).first()
    if connection is None or not connection.enabled:
        raise Refused("organization_off")
    mailbox, _ = Mailbox.objects.get_or_create(user=user, defaults={"connection": connection})
    if not mailbox.on:
        mailbox.on = True
        mailbox.switched_at = now
        audit(user.organization, "sync.on", by=user)
    mailbox.connection = connection
    mailbox.accept_any = mailbox.accept_any or (unseen and not mailbox.first_run_done)
    mailbox.stop_asked = False
    mailbox.save()
    dirty.mark_mailboxes([mailbox.pk])
    return mailbox


@transaction.atomic
def switch_off(user: User, now: datetime) -> None:
    """Leaves everything as it is (rule 12.1, default). Switched on again, both sides are listed anew and matched."""
    off: dict[str, Any] = {"on": False, "switched_at": now, "waiting_for": "", "errand": ""}
    off |= {"psa_token": "", "exchange_token": ""}
    if Mailbox.objects.filter(user=user, on=True).update(**off):
        audit(user.organization, "sync.off", by=user)
        _end_push(Mailbox.objects.filter(user=user))


def _end_push(mailboxes: QuerySet[Mailbox]) -> None:
    """Their jobs end the subscriptions by which they were told of changes (rule 9.2)."""
    for mailbox_id in mailboxes.filter(~Q(push__subscription_id=""), push__isnull=False).values_list("id", flat=True):
        dirty.put_in(mailbox_id)


@transaction.atomic
def stop(user: User) -> None:
    """Stop the run that is under way, and begin no other until `go_on`. The user's own act."""
    if Mailbox.objects.filter(user=user, on=True, stop_asked=False).update(stop_asked=True):
        audit(user.organization, "sync.stop", by=user)


@transaction.atomic
def go_on(user: User) -> None:
    """Sync now (rule 9.3); a stopped run continues. Raises Refused("switched_off")."""
    mailbox = Mailbox.objects.filter(user=user, on=True).first()
    if mailbox is None:
        raise Refused("switched_off")
    Mailbox.objects.filter(pk=mailbox.pk).update(stop_asked=False)
    dirty.mark_mailboxes([mailbox.pk])


@transaction.atomic
def refuse_inexpressible(user: User, refuse: bool) -> None:
    """Say whether a series the other side cannot express is refused, or comes as single entries (rule 5.5).

    The next run compares both calendars in full, for what it did not bring before. Raises Refused("switched_off").
    """
    mailbox = Mailbox.objects.filter(user=user, on=True).first()
    if mailbox is None:
        raise Refused("switched_off")
    Mailbox.objects.filter(pk=mailbox.pk).update(refuse_inexpressible=refuse, reconciled_on=None)
    audit(user.organization, "sync.refuse_inexpressible", by=user, refuse=str(refuse))
    dirty.mark_mailboxes([mailbox.pk])


@transaction.atomic
def sync_everybody(connection: Connection, by: User | None) -> int:
    """Sync now, for everybody who switched on and has not stopped (rule 9.3). Returns how many."""
    on = list(connection.mailboxes.filter(on=True, stop_asked=False).values_list("id", flat=True))
    dirty.mark_mailboxes(on)
    audit(connection.organization, "connection.sync", by=by, mailboxes=len(on))
    return len(on)


def hold_back(mailbox: Mailbox, until: datetime) -> None:
    """The server asked for no request for this mailbox until then (rule 10.2), real time."""
    mailbox.wait_until = until
    mailbox.save(update_fields=["wait_until"])


def waits(mailbox: Mailbox, now: datetime) -> float:
    """Seconds the server still wants no request for this mailbox; 0 when it may be asked. `now`: real time."""
    return max((mailbox.wait_until - now).total_seconds(), 0.0) if mailbox.wait_until else 0.0


@transaction.atomic
def accept(mailbox: Mailbox, plan_id: str, by: User | None) -> None:
    """Accept exactly the plan that waits: its user, or an administrator or operator (`by` None), who may release a
    brake (rule 8.3) but never begin another's first run.

    Raises Refused("nothing_waits" | "first_run_is_the_users" | "plan_outdated").
    """
    mailbox.refresh_from_db()
    if not mailbox.waiting_for:
        raise Refused("nothing_waits")
    if mailbox.waiting_for == "first_run" and (by is None or by.pk != mailbox.user_id):
        raise Refused("first_run_is_the_users")
    if plan_id != mailbox.waiting_plan:
        raise Refused("plan_outdated", plan=mailbox.waiting_plan)
    Mailbox.objects.filter(pk=mailbox.pk).update(accepted_plan=plan_id, stop_asked=False)
    audit(mailbox.user.organization, "sync.accept", by=by, mailbox=mailbox.pk, what=mailbox.waiting_for)
    dirty.mark_mailboxes([mailbox.pk])


def shown(connection: Connection) -> dict[str, Any]:
    """The settings without secrets, for `connection show` and the API."""
    credential = expiry.of(connection)
    return {
        "version": connection.version,
        "enabled": connection.enabled,
        "domain": connection.domain,
        "url": connection.url,
        "username": connection.username,
        "password": "set" if connection.password else "not set",
        "auth": connection.auth,
        "proxy": connection.proxy,
        "proxy_username": connection.proxy_username,
        "proxy_password": "set" if connection.proxy_password else "not set",
        "tenant": connection.tenant,
        "conflict": connection.conflict,
        "mode": connection.mode,
        "tested": may_enable(connection),
        "paused": connection.paused_code or None,
        "credential": credential.kind if credential else None,
        "credential_ends": credential.ends if credential else None,
        #: Days ahead of which it is told: 60, 30, 7; 0: it has ended.
        "credential_notice": credential.notice if credential else None,
        "users_on": connection.mailboxes.filter(on=True).count(),
    }


@transaction.atomic
def record_consent(connection: Connection, tenant: str, name: str, since: datetime | None, by: User | None) -> None:
    """Lead the connection to the tenant whose consent was verified. `since`: when it was given; None: unknown.

    Raises Refused("tenant_of_another").
    """
    moved = connection.tenant not in ("", tenant)
    connection.tenant, connection.tenant_name, connection.consented_at = tenant, name[:256], since
    connection.token_cache = ""
    try:
        with transaction.atomic():
            connection.save(update_fields=["tenant", "tenant_name", "consented_at", "token_cache"])
    except IntegrityError:
        raise Refused("tenant_of_another") from None
    if moved:
        _look_anew(connection)
    audit(connection.organization, "connection.consent", by=by, tenant=tenant)
    if connection.paused_code:
        resume(connection)
