"""What can go wrong between us and a calendar, in the terms a run decides by.

Each connector answers one question about its own errors: is it for the item, the mailbox or the connection, and does
waiting help? The docstring of each class is its default message. Messages never hold titles, texts, names or secrets.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Parameter of an entry that waits: the code a server refused it with, by the server's own name.
SAID = "said"


class SyncError(Exception):
    """Something went wrong."""

    #: Stable code for logs, pages and the help table, e.g. "impersonation_denied".
    code: str = "error"

    def __init__(self, code: str | None = None, detail: str = "", **params: str) -> None:
        self.code = code or type(self).code
        #: Protocol's own code, for the administrator: "ErrorImpersonateUserDenied", "AADSTS7000222".
        self.detail = detail
        self.params: Mapping[str, str] = params
        super().__init__(f"{(type(self).__doc__ or '').strip()} [{self.code}{': ' + detail if detail else ''}]")

    @property
    def kept(self) -> Mapping[str, str]:
        """What is kept of it with an entry that waits: the server's own code too, which somebody may know."""
        return {**self.params, SAID: self.detail} if self.detail else self.params


class ItemError(SyncError):
    """The server refused this one entry; the others go on."""

    code = "refused_by_server"


class Inexpressible(ItemError):
    """This calendar cannot hold the entry as it is."""

    code = "inexpressible"


class VersionConflict(SyncError):
    """The entry changed since it was read: read again and decide again (rule 7.5)."""

    code = "version_conflict"


class NotFound(SyncError):
    """The entry is not there."""

    code = "not_found"


class TokenRejected(SyncError):
    """The server does not know our token any longer: list everything again; no delete follows (rule 8.5)."""

    code = "token_rejected"


class MailboxError(SyncError):
    """This mailbox cannot be synced now; others go on."""

    code = "mailbox_error"


class Throttled(SyncError):
    """The server asks us to wait (rule 10.2)."""

    code = "throttled"

    def __init__(self, retry_after: float | None, detail: str = "", **params: str) -> None:
        #: Seconds to wait before the next request to this mailbox; None: it did not say how long.
        self.retry_after = retry_after
        super().__init__(None, detail, **params)


class Unavailable(SyncError):
    """The server cannot be reached or fails; try again later."""

    code = "unavailable"


class ConnectionRefused(SyncError):
    """The organization's access was refused: it pauses after one refusal (rule 10.3)."""

    code = "access_refused"


class ProtocolError(SyncError):
    """The answer is not what the protocol says: HTML, truncated XML, a foreign link (rule 10.5)."""

    code = "malformed_answer"
