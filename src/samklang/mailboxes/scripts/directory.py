"""Exchange 2007: two extended rights in the directory, for there are no management roles yet (EWS facts §4)."""

from __future__ import annotations

from samklang.mailboxes.scripts.quoting import literal, opath_literal
from samklang.mailboxes.scripts.values import Kind, Order, Scope, Script, lines

#: To impersonate anybody by way of a client access server; to impersonate the users of a database, or one user.
_SERVERS = "ms-Exch-EPI-Impersonation"
_USERS = "ms-Exch-EPI-May-Impersonate"


def write(order: Order) -> Script:
    account = literal(order.account, "account")
    servers = "Get-ExchangeServer | where {$_.IsClientAccessServer -eq $TRUE}"
    users = _holders(order.scope)
    by_identity = f"(Get-User -Identity {account}).Identity"
    again = "again_2007" if order.scope.kind == Kind.EVERYBODY else "again_2007_users"
    return Script(
        grant=lines(_each(servers, "Add", by_identity, _SERVERS), _each(users, "Add", account, _USERS)),
        check=lines(_shown(servers, account, _SERVERS), _shown(users, account, _USERS)),
        undo=lines(
            _each(servers, "Remove", by_identity, _SERVERS, " -Confirm:$false"),
            _each(users, "Remove", account, _USERS, " -Confirm:$false"),
        ),
        notes=("shell", "no_administrator", "authorization_group", again),
    )


def _holders(scope: Scope) -> str:
    """What carries the right to impersonate: the databases, or users one by one. Without -ResultSize Unlimited lists
    end at 1,000, silently."""
    if scope.kind == Kind.EVERYBODY:
        return "Get-MailboxDatabase"
    if scope.kind == Kind.GROUP:
        group = literal(scope.value, "scope")
        members = f"Get-DistributionGroupMember -Identity {group} -ResultSize Unlimited"
        return members + " | where {$_.RecipientType -eq 'UserMailbox'}"
    if scope.kind == Kind.OU:
        return f"Get-Mailbox -ResultSize Unlimited -OrganizationalUnit {literal(scope.value, 'scope')}"
    return f"Get-Mailbox -ResultSize Unlimited -Filter {opath_literal(scope.value, 'scope')}"


def _each(holders: str, verb: str, account: str, right: str, more: str = "") -> str:
    return (
        f"{holders} | ForEach-Object {{\n"
        f"  {verb}-ADPermission -Identity $_.DistinguishedName -User {account} -ExtendedRights {right}{more} }}"
    )


def _shown(holders: str, account: str, right: str) -> str:
    return (
        f"{holders} | ForEach-Object {{\n"
        f"  Get-ADPermission -Identity $_.DistinguishedName -User {account} }} |\n"
        f"  where {{$_.ExtendedRights -like '{right}'}} | Format-Table Identity, User, Deny, ExtendedRights"
    )
