"""The set-up assistant's PowerShell: correct for each Exchange version, with every value quoted. Pure.

Exchange Server: the delegate account's right to act for users (EWS facts §4). Microsoft 365: the application limited to
some mailboxes, "RBAC for Applications" (Graph facts §2.4).
"""

from __future__ import annotations

from samklang.mailboxes.scripts import cloud, directory, roles
from samklang.mailboxes.scripts.values import Kind, Order, Scope, Script, ScriptRefused

__all__ = ["FULL_ACCESS", "KINDS", "Kind", "Order", "Scope", "Script", "ScriptRefused", "write"]

_SERVER = (Kind.EVERYBODY, Kind.GROUP, Kind.OU, Kind.FILTER)
#: The limits each version knows. Whoever wants no limit in Microsoft 365 needs no script: permissions are granted.
KINDS: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("2007", "2010", "2013", "2016", "2019", "se"), _SERVER),
    "office365": (Kind.GROUP, Kind.FILTER, Kind.UNIT),
}

#: The versions whose script can give full access besides.
FULL_ACCESS = frozenset(KINDS) - {"2007", "office365"}


def write(version: str, order: Order) -> Script:
    """The script for this Exchange version (the connection's own word for it).

    Raises ScriptRefused: a value is missing, too long or cannot be quoted, or the version knows no such thing.
    """
    if order.scope.kind not in KINDS[version]:
        raise ScriptRefused("scope_not_here", "kind")
    if order.full_access and version not in FULL_ACCESS:
        raise ScriptRefused("full_access_not_here", "full_access")
    writer = {"2007": directory.write, "office365": cloud.write}.get(version, roles.write)
    return writer(order)
