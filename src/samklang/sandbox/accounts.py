"""Who may sign in to the sandbox and what for: Exchange accounts, Microsoft 365 tenants and their apps."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from samklang.sandbox.model import Mailbox
from samklang.sandbox.store import Store

ServerVersion = Literal[
    "2007_sp1",
    "2007_sp2",
    "2007_sp3",
    "2010",
    "2010_sp1",
    "2010_sp2",
    "2010_sp3",
    "2013",
    "2013_sp1",
    "2016",
    "2019",
    "se",
]


class Account(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An Exchange account: a delegate account when it may impersonate. Kept as document ("account", folded
    name)."""

    username: str  # DOMAIN\name or name@domain
    password: str
    impersonates: list[str] | Literal["*"] = msgspec.field(default_factory=list)
    full_access: list[str] = msgspec.field(default_factory=list)  # mailboxes it may open as itself
    enabled: bool = True
    password_expired: bool = False  # the log-on succeeds, and the service says no

    def may_impersonate(self, mailbox: Mailbox) -> bool:
        if self.impersonates == "*":
            return True
        return mailbox.address.casefold() in {address.casefold() for address in self.impersonates}

    def may_open(self, mailbox: Mailbox) -> bool:
        return mailbox.address.casefold() in {address.casefold() for address in self.full_access}


class Redirect(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who asks Autodiscover at such a host for such an address is led elsewhere; `at` and `of` are regular expressions.
    `kind`: an HTTP redirect or a document's, or another address to ask for."""

    kind: Literal["http", "url", "address"]
    to: str
    at: str = ".*"
    of: str = ".*"


class Autodiscover(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What Autodiscover tells of the server. An address left out is the sandbox's own, an empty one is not told."""

    hosts: str = ".*"  # regular expression; at other hosts there is none
    external_url: str | None = None
    internal_url: str | None = None
    redirects: list[Redirect] = msgspec.field(default_factory=list)
    plain_redirect: str = ""  # where the plain port leads


class Server(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The Exchange server everybody sees. Kept as document ("settings", "server").

    `sync_state_days`: how long it knows a SyncState; None: for ever. `milliseconds`: it tells fractions of seconds to
    whom did not ask for them.
    """

    version: ServerVersion = "2013_sp1"
    auth: list[Literal["ntlm", "negotiate", "basic"]] = msgspec.field(default_factory=lambda: ["ntlm", "basic"])
    language: Literal["en-US", "sv-SE", "de-DE"] = "en-US"  # of the texts of faults; their codes stay
    autodiscover: Autodiscover = msgspec.field(default_factory=Autodiscover)
    stream_minute_seconds: float = 60  # how long a minute of ConnectionTimeout lasts, for tests in a hurry
    sync_state_days: float | None = None
    milliseconds: bool = False


class Scope(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A role assignment of RBAC for Applications: "Application Calendars.ReadWrite" over some mailboxes' addresses."""

    mailboxes: list[str]
    role: str = "Calendars.ReadWrite"


class App(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An app registration as one tenant sees it; `roles` are its application permissions, `scopes` what it may besides
    in some mailboxes."""

    client_id: str
    secret: str = ""
    certificate: str = ""  # PEM, without its key
    consented: bool = False
    roles: list[str] = msgspec.field(default_factory=list)
    scopes: list[Scope] = msgspec.field(default_factory=list)


class Tenant(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A Microsoft 365 organization. Kept as document ("tenant", id)."""

    id: str
    domains: list[str] = msgspec.field(default_factory=list)
    apps: list[App] = msgspec.field(default_factory=list)
    secret_expired: bool = False
    consent_delay_seconds: float = 0
    consent_delay_as: Literal["no_roles", "unknown_app"] = "no_roles"  # what a token is meanwhile
    withdrawal_delay_seconds: float = 0  # new tokens go on having the roles that were taken away
    scope_delay_seconds: float = 0  # Exchange goes on with the scopes there were
    user_consent: bool = True  # a user may let an app know who he is, or an administrator alone
    guests: list[str] = msgspec.field(default_factory=list)  # addresses of people of other organizations
    claims: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)  # by address: what ID tokens say instead


def server(store: Store) -> Server:
    return store.get("settings", "server", Server) or Server()


def account_named(store: Store, name: str) -> Account | None:
    """By DOMAIN\\name or address, whatever the case; None where there is none or it is disabled."""
    found = store.get("account", name.casefold(), Account) or _own_account(store.mailbox(name))
    if found is None:
        folded = name.casefold()
        found = next((account for account in accounts(store) if account.username.casefold() == folded), None)
    return found if found is not None and found.enabled else None


def _own_account(mailbox: Mailbox | None) -> Account | None:
    if mailbox is None or mailbox.username or not mailbox.password:
        return None
    return Account(username=mailbox.address, password=mailbox.password)


def accounts(store: Store) -> list[Account]:
    """Every account that can log on to Exchange: those set by the control API, and each mailbox's own
    user."""
    own = [
        Account(username=mailbox.username or mailbox.address, password=mailbox.password)
        for mailbox in store.mailboxes()
        if mailbox.password
    ]
    return [*store.all("account", Account).values(), *own]
