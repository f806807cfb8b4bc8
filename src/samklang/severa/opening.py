"""From an organization's row to its Severa: the connector over mirror and pace that all processes share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from samklang.clock import now
from samklang.config import config
from samklang.connectors.severa.access import SCOPES, SeveraAccess
from samklang.connectors.severa.auth import Tokens
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.organization import FRESH, SeveraOrganization
from samklang.connectors.severa.pace import Pace
from samklang.connectors.severa.probe import Organization, Probe
from samklang.mailboxes.access import Step
from samklang.mailboxes.secrets import open_sealed, seal
from samklang.severa.mirror import DjangoMirror
from samklang.severa.models import Arrangement
from samklang.severa.slots import SharedSlots
from samklang.sync.errors import ConnectionRefused, SyncError


@contextmanager
def opened(arrangement: Arrangement, *, fresh: timedelta = FRESH) -> Iterator[SeveraOrganization]:
    """The organization's Severa, for one thread; closes its connections. `fresh`: see `SeveraOrganization`.

    Raises ConnectionRefused("severa_other_organization") where other credentials lead to another company's: each of
    its activities would count as deleted.
    """
    with _client(arrangement) as client:
        try:
            _must_be_the_same(arrangement, client)
            mirror = DjangoMirror(arrangement.organization_id)
            yield SeveraOrganization(client, mirror, zone=arrangement.organization.zone, now=now, fresh=fresh)
        finally:
            _remember_clock(arrangement, client.counts.ahead)


def probe(arrangement: Arrangement, address: str) -> tuple[list[Step], Probe]:
    """The connection test as it is saved, up to the first step that fails; and what it learned."""
    access = _access(arrangement)
    test = Probe(access, _pace(access), address)
    steps = []
    for step in test.steps():
        error = step.error
        if error is None and step.name == "severa organization":
            error = _another(arrangement, test.organization)
        steps.append(Step.of(step.name, error, step.found))
        if error is not None:
            break
    return steps, test


def signs_in(arrangement: Arrangement) -> bool:
    """Whether the access works again, in one attempt: the hourly probe of a paused connection (rule 10.3)."""
    with _client(arrangement) as client:
        try:
            return _another(arrangement, client.get("/organizationdetails", Organization)) is None
        except SyncError:
            return False


def place(arrangement: Arrangement) -> str:
    """Names the settings that decide whose Severa answers; a new secret leads to the same."""
    return hashlib.sha256(f"{arrangement.url}\n{arrangement.client_id}".encode()).hexdigest()


@contextmanager
def _client(arrangement: Arrangement) -> Iterator[SeveraClient]:
    access = _access(arrangement)
    pace = _pace(access)
    tokens = Tokens(access, pace, _TokenStore(arrangement))
    client = SeveraClient(access, tokens, pace, now=now)
    try:
        yield client
    finally:
        client.close()
        tokens.close()


def _pace(access: SeveraAccess) -> Pace:
    return Pace(SharedSlots(access, config().test_severa_speed))


def _access(arrangement: Arrangement) -> SeveraAccess:
    return SeveraAccess(
        arrangement.url,
        arrangement.client_id,
        open_sealed(arrangement.secret),
        tuple(arrangement.scopes) or SCOPES,
        ca_file=config().ca_file,
        allow_private=config().allow_private_addresses,
    )


def _another(arrangement: Arrangement, found: Organization) -> ConnectionRefused | None:
    """Activities of the organization are synced already, and these are another's."""
    known = arrangement.tenant if arrangement.organization.in_severa else ""
    return ConnectionRefused("severa_other_organization") if known not in ("", found.id) else None


def _must_be_the_same(arrangement: Arrangement, client: SeveraClient) -> None:
    if arrangement.leads_there == place(arrangement):
        return
    refused = _another(arrangement, client.get("/organizationdetails", Organization))
    if refused is not None:
        raise refused
    arrangement.leads_there = place(arrangement)
    Arrangement.objects.filter(pk=arrangement.pk).update(leads_there=arrangement.leads_there)


def _remember_clock(arrangement: Arrangement, ahead: timedelta | None) -> None:
    if ahead is not None:
        Arrangement.objects.filter(pk=arrangement.pk).update(clock_ahead=ahead.total_seconds())


class _TokenStore:
    """The organization's token, sealed in its row and read there anew: another process may have got one."""

    def __init__(self, arrangement: Arrangement) -> None:
        self._row = Arrangement.objects.filter(pk=arrangement.pk)

    def load(self) -> str | None:
        return open_sealed(self._row.values_list("token", flat=True).get()) or None

    def save(self, kept: str) -> None:
        self._row.update(token=seal(kept))
