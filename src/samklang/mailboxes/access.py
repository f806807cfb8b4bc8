"""From a connection's row to its connector: Exchange Server over EWS, Office 365 over Graph; chosen nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from samklang.clock import now, real_now
from samklang.config import config
from samklang.connectors.ews import mailbox as ews_mailbox
from samklang.connectors.ews.calendar import EwsCalendar
from samklang.connectors.ews.dialect import dialect_of, product_of
from samklang.connectors.ews.streaming import Stream
from samklang.connectors.graph import consent as graph_consent
from samklang.connectors.graph import probe as graph_probe
from samklang.connectors.graph import together
from samklang.connectors.graph.access import CLOUDS, Cloud, GraphAccess
from samklang.connectors.graph.auth import OF_THE_CREDENTIAL, Tokens
from samklang.connectors.graph.calendar import GraphCalendar
from samklang.connectors.graph.client import GraphClient
from samklang.connectors.graph.events import WholeDelta
from samklang.connectors.graph.notifications import Subscriptions
from samklang.connectors.graph.organization import Tenant, tenant_behind
from samklang.connectors.graph.permissions import CALENDARS, missing
from samklang.connectors.graph.users import find_user
from samklang.connectors.http import Counts
from samklang.connectors.steps import Step as ConnectorStep
from samklang.mailboxes import doors, messages, services
from samklang.mailboxes.assistant import command_against
from samklang.mailboxes.doors import SharedDoor
from samklang.mailboxes.exchange import access_of
from samklang.mailboxes.models import Connection, Consent, Mailbox
from samklang.mailboxes.secrets import open_sealed, seal
from samklang.sync.errors import ConnectionRefused, MailboxError, SyncError, Throttled
from samklang.sync.ports import Calendar

#: The tenant consent is asked for when none is known: that of whoever signs in.
ANY_TENANT = "organizations"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the connection test, in words."""

    name: str
    ok: bool
    code: str = ""
    #: The protocol's own code.
    detail: str = ""
    found: str = ""
    #: What is to be minded although the step passed.
    note: str = ""
    #: Commands that mend the failure, where a script does.
    command: str = ""
    #: The server asks for no request before then (rule 10.2), real time.
    until: datetime | None = None

    @classmethod
    def of(cls, name: str, error: SyncError | None, found: str = "", *, note: str = "", command: str = "") -> Step:
        if error is None:
            return cls(name, True, found=found, note=note)
        wait = error.retry_after if isinstance(error, Throttled) else None
        until = real_now() + timedelta(seconds=wait) if wait is not None else None
        return cls(name, False, error.code, error.detail, found, command=command, until=until)

    @property
    def title(self) -> str:
        return str(messages.STEPS.get(self.name, self.name))

    @property
    def sentence(self) -> str:
        return "" if self.ok else messages.explain(self.code, self.detail).sentence

    @property
    def remedy(self) -> str:
        return "" if self.ok else messages.explain(self.code, self.detail).remedy

    def as_json(self) -> dict[str, object]:
        answer: dict[str, object] = {"step": self.name, "ok": self.ok, "found": self.found, "note": self.note}
        if not self.ok:
            answer |= {"code": self.code, "detail": self.detail, "cause": self.sentence, "remedy": self.remedy}
        if self.command:
            answer["command"] = self.command
        if self.until is not None:
            answer["until"] = self.until.isoformat(timespec="seconds")
        return answer


def report(steps: Iterable[Step]) -> dict[str, object]:
    """A connection test as programs read it."""
    told = list(steps)
    return {"passed": all(step.ok for step in told), "steps": [step.as_json() for step in told]}


@dataclass(frozen=True, slots=True)
class FoundMailbox:
    address: str
    #: "primary" or "alias".
    matched_by: str
    #: Unique in the installation (rule 1.3).
    directory_id: str
    #: Every address of it the directory tells, primary first.
    aliases: tuple[str, ...] = ()


@contextmanager
def calendar(mailbox: Mailbox, clock: Callable[[], datetime]) -> Iterator[tuple[Calendar, Counts]]:
    """The mailbox's calendar, what it sent so far, and how the server's clock goes. Closes its connections."""
    connection, zone = mailbox.connection, mailbox.user.zone
    if connection.is_office365:
        user_id = (mailbox.directory_id or "").rpartition("/")[2]
        access = _graph(connection)
        known = WholeDelta(connection.whole_delta)
        graph = GraphCalendar(access, _tokens(connection, access), user_id, home=zone, now=clock, whole_delta=known)
        try:
            graph.counts.clock = clock
            yield graph, graph.counts
        finally:
            graph.close()
            if graph.whole_delta is not known:
                Connection.objects.filter(pk=connection.pk).update(whole_delta=graph.whole_delta)
    else:
        ews = EwsCalendar(access_of(connection), mailbox.address, home=zone, now=clock)
        try:
            ews.counts.clock = clock
            yield ews, ews.counts
        finally:
            ews.close()
            remember_build(connection, ews.server_build)


@contextmanager
def subscriptions(connection: Connection, directory_id: str) -> Iterator[Subscriptions]:
    """The subscriptions of an Office 365 mailbox to notices, in the connection's tenant or one it was in before. Closes
    its connections."""
    tenant, _, user_id = directory_id.rpartition("/")
    access = app_in(tenant)
    tokens = _tokens(connection, access) if tenant == connection.tenant else Tokens(access, door=_door(access))
    client = GraphClient(access, tokens, mailbox=user_id)
    try:
        yield Subscriptions(client, user_id)
    finally:
        client.close()


def unchanged(connection: Connection, tokens: Mapping[int, str]) -> Mapping[int, str | Throttled | None]:
    """See `connectors.graph.together`: of some mailboxes of an Office 365 organization, by their calendars' tokens.
    Raises SyncError when there is no way in."""
    access = _graph(connection)
    with closing(_tokens(connection, access)) as sign_in, closing(GraphClient(access, sign_in)) as client:
        return together.unchanged(client, tokens, now())


def stream(connection: Connection, anchor: str) -> Stream:
    """The notices of an Exchange Server's mailboxes, of which `anchor` is the first. Raises SyncError."""
    return Stream(access_of(connection, keeps_connection=False), anchor)


def streams(connection: Connection) -> bool:
    """Whether it is an Exchange Server that tells of changes: from 2010 SP1 on (rule 9.2)."""
    return not connection.is_office365 and dialect_of(connection.version, connection.server_build).streaming


def remember_build(connection: Connection, build: str) -> None:
    """Keep what the server said it is, for whoever speaks to it next. `build`: "" when it did not say."""
    if build and build != connection.server_build:
        connection.server_build = build
        Connection.objects.filter(pk=connection.pk).update(server_build=build)


def find_mailbox(connection: Connection, address: str) -> FoundMailbox:
    """The mailbox with a user's address, primary or secondary (rule 1.3). Raises SyncError with a code of its own."""
    if connection.is_office365:
        access = _graph(connection)
        return _found(connection, GraphClient(access, _tokens(connection, access)), address)
    found = ews_mailbox.find_mailbox(access_of(connection), address)
    host = urlsplit(connection.url).hostname or ""
    directory_id = f"{host.lower()}/{found.address.lower()}"
    return FoundMailbox(found.address, found.matched_by, directory_id, found.aliases)


def _found(connection: Connection, client: GraphClient, address: str) -> FoundMailbox:
    with _directory(_graph(connection)).beside():
        user = find_user(client, address)
    return FoundMailbox(user.address, user.matched_by, f"{connection.tenant}/{user.id}", user.aliases)


@contextmanager
def looking(connection: Connection) -> Iterator[Callable[[str], FoundMailbox | SyncError]]:
    """Whom to ask for the mailbox of an address in an Office 365 organization: it, if its calendar is open to us, else
    why not. Nothing in a calendar is read.

    It raises SyncError for what concerns them all, such as a directory that asks to wait.
    """
    access = _graph(connection)
    with closing(_tokens(connection, access)) as tokens, closing(GraphClient(access, tokens)) as client:

        def look(address: str) -> FoundMailbox | SyncError:
            try:
                found = _found(connection, client, address)
            except MailboxError as error:
                return error
            try:
                graph_probe.open_calendar(access, tokens, found.directory_id.rpartition("/")[2])
            except (MailboxError, Throttled) as error:
                return error
            return found

        yield look


def probe(connection: Connection, address: str) -> list[Step]:
    """The connection test, up to the first step that fails. Writes only where the user himself is on (rule 1.4)."""
    write = Mailbox.objects.filter(user__email__iexact=address, connection=connection, on=True).exists()
    try:
        if connection.is_office365:
            access = _graph(connection)
            tokens = _tokens(connection, access)
            steps = list(graph_probe.probe(access, tokens, now, address or None, write=write))
        else:
            exchange = access_of(connection)
            exchange.door.forget()
            steps = list(ews_mailbox.probe(exchange, now, address or None, write=write))
            for step in steps:
                remember_build(connection, step.found)
    except SyncError as error:
        steps = [ConnectorStep("sign-in", error)]
    return [_worded(connection, step) for step in steps]


def _worded(connection: Connection, step: ConnectorStep) -> Step:
    note = "" if connection.is_office365 else _other_server(connection, step.found)
    command = command_against(connection, step.error.code) if step.error else ""
    return Step.of(step.name, step.error, step.found, note=note, command=command)


def _other_server(connection: Connection, build: str) -> str:
    """Which server it is and which was chosen, in words; "" where they are the same."""
    product = product_of(build)
    if product in ("", connection.version):
        return ""
    return messages.other_server(Connection.Version(product).label, connection.get_version_display())


def signs_in(connection: Connection) -> bool:
    """Whether the access works again, in one attempt: the hourly probe of a paused connection (rule 10.3).

    A new token says all there is to say for a whole tenant; whether one mailbox is open, that mailbox does.
    """
    if not connection.is_office365:
        exchange = access_of(connection)
        exchange.door.forget()
        return ews_mailbox.signs_in(exchange)
    try:
        access = _graph(connection)
        # What was refused to all tenants is tried by one of them an hour, not by each.
        _door(access).forget(common=False)
        tokens = _tokens(connection, access)
        tokens.anew()
        roles = tokens.roles()
    except SyncError:
        return False
    return roles is None or not missing(roles, scoped=_is_scoped(connection))


def withdrawn(connection: Connection) -> ConnectionRefused | None:
    """Whether a mailbox that is not open to us is one of a tenant that withdrew its permission for all: then the token
    says so, and it is the connection that is refused, once (Graph facts §2.4)."""
    if not connection.is_office365 or _is_scoped(connection):
        return None
    try:
        with closing(_tokens(connection, _graph(connection))) as tokens:
            roles = tokens.roles()
    except SyncError:
        return None
    lacks = [] if roles is None else missing(roles)
    return ConnectionRefused("permission_missing", " ".join(lacks)) if lacks else None


def _is_scoped(connection: Connection) -> bool:
    """Calendars may be open to us in some mailboxes alone: no token told of them when the tenant was verified."""
    consent = Consent.objects.filter(connection=connection).first()
    return consent is None or CALENDARS not in consent.permissions


def try_new_credential() -> None:
    """When a process starts: what paused for the app's credential is tried at once, unless it is known that this one is
    refused too (rule 10.3)."""
    try:
        _door(app_in(ANY_TENANT)).heed()
    except SyncError:
        return
    doors.try_again(OF_THE_CREDENTIAL)


def consent_address(state: str, redirect_uri: str) -> str:
    """Where the administrator's browser goes to grant permissions."""
    settings = config()
    access = app_in(ANY_TENANT)
    return graph_consent.consent_url(
        settings.consent_url or access.login_url,
        ANY_TENANT,
        settings.app_id,
        scope=access.scope,
        redirect_uri=redirect_uri,
        state=state,
    )


@dataclass(frozen=True, slots=True)
class Granted:
    """What Microsoft says of a tenant somebody claims: its own word, by a token for it (Graph facts §2.1, §2.2)."""

    permissions: tuple[str, ...]
    missing: tuple[str, ...]
    #: None while something is missing.
    tenant: Tenant | None = None


def granted_in(tenant: str, *, scoped: bool) -> Granted:
    """`scoped`: calendars may be open to us in some mailboxes alone, of which no token tells. Raises SyncError."""
    access = app_in(tenant)
    door = _door(access, remembers=False)
    with closing(Tokens(access, door=door)) as tokens, closing(GraphClient(access, tokens)) as client:
        roles = tokens.roles()
        lacks = () if roles is None else tuple(missing(roles, scoped=scoped))
        found = None if lacks else tenant_behind(client, tokens)
    return Granted(tuple(sorted(roles or ())), lacks, found)


def _graph(connection: Connection) -> GraphAccess:
    if not connection.tenant:
        raise ConnectionRefused("not_consented")
    return app_in(connection.tenant)


def app_in(tenant: str) -> GraphAccess:
    """This installation's app in a tenant. Raises ConnectionRefused("credential_missing"): the operator named none."""
    settings = config()
    if not settings.app_id or not (settings.app_secret or settings.app_certificate):
        raise ConnectionRefused("credential_missing")
    cloud = CLOUDS[settings.cloud]
    if settings.login_url and settings.graph_url:
        cloud = Cloud(settings.login_url, settings.graph_url)
    return GraphAccess(
        graph_url=cloud.graph_url,
        login_url=cloud.login_url,
        tenant=tenant,
        app_id=settings.app_id,
        secret=settings.app_secret.get_secret_value() if settings.app_secret else None,
        certificate=settings.app_certificate.read_text() if settings.app_certificate else None,
        ca_file=settings.ca_file,
        allow_private=settings.allow_private_addresses,
    )


class _TokenCache:
    """msal's cache of one connection, sealed in its row."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def load(self) -> str | None:
        """Read anew: another process may have got one."""
        rows = Connection.objects.filter(pk=self._connection.pk)
        return open_sealed(rows.values_list("token_cache", flat=True).first() or "") or None

    def save(self, cache: str) -> None:
        Connection.objects.filter(pk=self._connection.pk).update(token_cache=seal(cache))


def _tokens(connection: Connection, access: GraphAccess) -> Tokens:
    waits = services.awaits_microsoft(connection, "", now())
    return Tokens(access, _TokenCache(connection), _door(access, remembers=not waits))


def _door(access: GraphAccess, *, remembers: bool = True) -> SharedDoor:
    """One for all tenants: what is wrong with the app's credential is wrong for each of them (Graph facts §2.2)."""
    whose = f"{access.login_url.rstrip('/')}\n{access.app_id}"
    credential = access.certificate or access.secret or ""
    return SharedDoor(whose, credential, tenant=access.tenant, common=OF_THE_CREDENTIAL, remembers=remembers)


def _directory(access: GraphAccess) -> SharedDoor:
    """Where a tenant's users are asked for: it has one measure for all of that (Graph facts §5.2)."""
    return SharedDoor(f"{access.graph_url}\n{access.app_id}\nusers", "", tenant=access.tenant)
