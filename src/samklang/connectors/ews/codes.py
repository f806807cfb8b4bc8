"""Exchange's response codes in our terms: for the item, the mailbox or the connection, and does waiting help?

Codes alone decide; texts are localized and never looked at (EWS facts §2.2).
"""

from __future__ import annotations

from collections.abc import Mapping

from samklang.sync.errors import (
    ConnectionRefused,
    Inexpressible,
    ItemError,
    MailboxError,
    NotFound,
    ProtocolError,
    SyncError,
    Throttled,
    TokenRejected,
    Unavailable,
    VersionConflict,
)

_BUSY = {
    "ErrorServerBusy",
    "ErrorExceededConnectionCount",
    "ErrorExceededFindCountLimit",
    "ErrorExceededSubscriptionCount",
    "ErrorTooManyObjectsOpened",
}
_CONFLICT = {"ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorChangeKeyRequiredForWriteOperations"}
_GONE = {"ErrorItemNotFound", "ErrorCalendarOccurrenceIsDeletedFromRecurrence", "ErrorObjectTypeChanged"}
_LATER = {
    "ErrorADUnavailable",
    "ErrorADOperation",
    "ErrorBatchProcessingStopped",
    "ErrorConnectionFailed",
    "ErrorImpersonationFailed",
    "ErrorInsufficientResources",
    "ErrorInternalServerTransientError",
    "ErrorMailboxFailover",
    "ErrorMailboxMoveInProgress",
    "ErrorMailboxStoreUnavailable",
    "ErrorNoRespondingCASInDestinationSite",
    "ErrorTimeoutExpired",
}
_MAILBOX = {
    "ErrorImpersonateUserDenied": "impersonation_denied",
    "ErrorNonExistentMailbox": "mailbox_not_found",
    "ErrorInvalidSmtpAddress": "mailbox_not_found",
    "ErrorNameResolutionNoResults": "mailbox_not_found",
    "ErrorNameResolutionNoMailbox": "mailbox_not_found",
    "ErrorNameResolutionMultipleResults": "mailbox_ambiguous",
    "ErrorAccountDisabled": "mailbox_disabled",
    "ErrorFolderNotFound": "calendar_not_found",
    "ErrorSyncFolderNotFound": "calendar_not_found",
    "ErrorQuotaExceeded": "mailbox_full",
}
_CONNECTION = {
    "ErrorImpersonationDenied": "impersonation_denied",
    "ErrorMissingEmailAddress": "impersonation_missing",
}
#: Refusals of the acting for a user, or of whom it was asked for: what comes after it was not reached (EWS facts §2.2).
OF_IMPERSONATION = {
    "ErrorImpersonateUserDenied",
    "ErrorImpersonationDenied",
    "ErrorImpersonationFailed",
    "ErrorInvalidExchangeImpersonationHeaderData",
    "ErrorInvalidSmtpAddress",
    "ErrorMissingEmailAddress",
    "ErrorNonExistentMailbox",
}
_SPEECH = {
    "ErrorInvalidServerVersion": "version_refused",
    "ErrorInvalidRequest": "version_refused",
    "ErrorIncorrectSchemaVersion": "version_refused",
    "ErrorSchemaValidation": "request_refused",
    "ErrorInvalidSchemaVersionForMailboxVersion": "version_refused",
    "ErrorWrongServerVersion": "version_refused",
    "ErrorInvalidExchangeImpersonationHeaderData": "request_refused",
}
_CANNOT_HOLD = {
    "ErrorOccurrenceCrossingBoundary": "occurrence_crosses_neighbour",
    "ErrorOccurrenceTimeSpanTooBig": "occurrence_overlaps_neighbour",
    "ErrorRecurrenceHasNoOccurrence": "recurrence_without_occurrence",
    "ErrorRecurrenceEndDateTooBig": "recurrence_ends_too_late",
    "ErrorCalendarDurationIsTooLong": "duration_too_long",
    "ErrorCalendarEndDateIsEarlierThanStartDate": "ends_before_start",
    "ErrorCalendarInvalidRecurrence": "recurrence_inexpressible",
    "ErrorMessageSizeExceeded": "too_long",
    "ErrorPropertyValueTooBig": "too_long",
}


def error_for(code: str, values: Mapping[str, str] | None = None, *, whole: bool = False) -> SyncError:
    """The error an answer with this response code raises.

    `values`: the answer's MessageXml. `whole`: the whole request was refused (a SOAP fault), not one item of it.
    """
    values = values or {}
    inner = values.get("InnerErrorResponseCode", "")
    if code in _BUSY or inner in _BUSY:
        return Throttled(_seconds(values), inner if inner in _BUSY else code)
    if code in _LATER:
        return Unavailable("server_unavailable", code)
    if code == "ErrorInvalidSyncStateData":
        return TokenRejected(detail=code)
    if code in _CONFLICT:
        return VersionConflict(detail=code)
    if code in _GONE:
        return NotFound(detail=code)
    if code in _MAILBOX:
        return MailboxError(_MAILBOX[code], code)
    if code in _CONNECTION:
        return ConnectionRefused(_CONNECTION[code], code)
    if code in _SPEECH:
        return ProtocolError(_SPEECH[code], code)
    if code in _CANNOT_HOLD:
        return Inexpressible(_CANNOT_HOLD[code], code)
    if whole:
        return MailboxError("access_denied", code) if code == "ErrorAccessDenied" else Unavailable("server_error", code)
    return ItemError(None, code)


def _seconds(values: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(values["BackOffMilliseconds"]) / 1000)
    except (KeyError, ValueError):
        return None
