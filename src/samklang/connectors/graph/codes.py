"""Graph's codes and statuses in our terms: for the item, the mailbox or the connection (Graph facts §5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samklang.connectors.meaning import Meaning, each
from samklang.sync.errors import (
    ConnectionRefused,
    ItemError,
    MailboxError,
    NotFound,
    Throttled,
    TokenRejected,
    Unavailable,
    VersionConflict,
)

#: Code of Unavailable for a plain 500: asked for one item, it may be that item's own trouble.
ITEM_FAILED = "server_error"
#: Code of ItemError: an event was made with this transactionId before, with other contents.
DUPLICATE = "duplicate_transaction"
#: Code of ItemError: the id is another mailbox's, or of another form.
STRANGE_ID = "strange_id"

#: As Graph writes them; it does not always write them so.
CODES: Mapping[str, Meaning] = {
    **each(TokenRejected, None, "SyncStateNotFound", "resyncRequired", "syncStateInvalid"),
    **each(Throttled, None, "TooManyRequests", "ApplicationThrottled", "ErrorServerBusy"),
    "Authorization_RequestDenied": Meaning(ConnectionRefused, "permission_missing"),
    "ErrorAccessDenied": Meaning(MailboxError, "mailbox_access_denied"),
    **each(
        MailboxError, "mailbox_not_found", "Request_ResourceNotFound", "ErrorInvalidUser", "ErrorNonExistentMailbox"
    ),
    **each(MailboxError, "mailbox_not_enabled", "MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"),
    "ErrorMailboxStoreUnavailable": Meaning(MailboxError, "mailbox_unavailable"),
    **each(NotFound, None, "ErrorItemNotFound", "itemNotFound"),
    "ErrorIrresolvableConflict": Meaning(VersionConflict),
    "ErrorOccurrenceCrossingBoundary": Meaning(ItemError, "occurrence_crosses_neighbour"),
    "ErrorDuplicateTransactionId": Meaning(ItemError, DUPLICATE),
    "ErrorInvalidIdMalformed": Meaning(ItemError, STRANGE_ID),
    "TimeZoneNotSupportedException": Meaning(ItemError, "zone_refused"),
    "ErrorPropertyValidationFailure": Meaning(ItemError, "field_refused"),
}
#: Where the code says nothing.
STATUSES: Mapping[int, Meaning] = {
    401: Meaning(ConnectionRefused, "token_refused"),
    403: Meaning(MailboxError),
    404: Meaning(MailboxError),
    410: Meaning(TokenRejected),
    412: Meaning(VersionConflict),
    429: Meaning(Throttled),
    500: Meaning(Unavailable, ITEM_FAILED),
    503: Meaning(Unavailable),
    504: Meaning(Unavailable),
}
#: Any other code with another status, which is kept by its name.
OTHER = Meaning(ItemError)

_BY_CODE = {code.lower(): meaning for code, meaning in CODES.items()}
#: These say more than any code with them; a server that fails means itself, whatever its code is about.
_ABOVE_CODES = frozenset((401, 410, 429))
_BUSY = frozenset((429, 503, 504))


def meaning_of(status: int, codes: Sequence[str]) -> Meaning:
    """What an error means to a run. `codes`: outermost first; the innermost one we know counts."""
    known = next((_BY_CODE[code.lower()] for code in reversed(codes) if code.lower() in _BY_CODE), None)
    if known is not None and (known.kind is TokenRejected or (known.kind is Throttled and status in _BUSY)):
        return known
    if status >= 500:
        return STATUSES.get(status, Meaning(Unavailable))
    if status in _ABOVE_CODES or known is None:
        return STATUSES.get(status, OTHER)
    return known
