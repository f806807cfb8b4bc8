"""The application permissions our uses of Graph need, and which of them a token lacks (Graph facts §2.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable

#: Events, delta and subscriptions. May be given over some mailboxes alone (RBAC for Applications), where no token tells
#: of it: then a mailbox itself says whether it is open to us.
CALENDARS = "Calendars.ReadWrite"
#: Finding users by their addresses, and the tenant's own name and domains. Any of them will do; the first is asked for.
DIRECTORY = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")

#: A calendar permission all the same, and too little: whoever granted it tenant-wide did not grant what was asked for.
_LESS = ("Calendars.Read", "Calendars.ReadBasic.All")


def missing(roles: Iterable[str], *, scoped: bool = False) -> list[str]:
    """What has to be granted besides `roles`, the permissions in a token. `scoped`: calendars may be given over some
    mailboxes alone."""
    held = set(roles)
    lacks = [] if held & set(DIRECTORY) else [DIRECTORY[0]]
    if CALENDARS not in held and (not scoped or held & set(_LESS)):
        lacks.insert(0, CALENDARS)
    return lacks
