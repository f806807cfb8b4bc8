"""Exchange's response codes in our terms: for the item, the mailbox or the connection, and does waiting help?

Codes alone decide; texts are localized and never looked at (EWS facts §2.2). The names are those of the schema's
ResponseCodeType.
"""

from __future__ import annotations

from collections.abc import Mapping

from samklang.connectors.meaning import Meaning, each
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

#: Said of the whole request, of a mailbox or of one item: it means the same.
CODES: Mapping[str, Meaning] = {
    **each(
        Throttled,
        None,
        "ErrorServerBusy",
        "ErrorExceededConnectionCount",
        "ErrorExceededFindCountLimit",
        "ErrorExceededSubscriptionCount",
        "ErrorTooManyObjectsOpened",
    ),
    **each(
        Unavailable,
        "server_unavailable",
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
        "ErrorNotEnoughMemory",
        "ErrorProxyCallFailed",
        "ErrorProxyRequestProcessingFailed",
        "ErrorProxyTokenExpired",
        "ErrorTimeoutExpired",
    ),
    **each(
        Unavailable,
        "subscription_lost",
        "ErrorSubscriptionNotFound",
        "ErrorInvalidSubscription",
        "ErrorMissedNotificationEvents",
        "ErrorReadEventsFailed",
    ),
    "ErrorInvalidSyncStateData": Meaning(TokenRejected),
    **each(
        VersionConflict,
        None,
        "ErrorIrresolvableConflict",
        "ErrorStaleObject",
        "ErrorChangeKeyRequiredForWriteOperations",
        # A series became a single entry, or the other way about, since it was read.
        "ErrorCalendarCannotUseIdForOccurrenceId",
        "ErrorCalendarCannotUseIdForRecurringMasterId",
    ),
    **each(
        NotFound,
        None,
        "ErrorItemNotFound",
        "ErrorObjectTypeChanged",
        "ErrorCalendarCannotUpdateDeletedItem",
        "ErrorCalendarOccurrenceIsDeletedFromRecurrence",
        "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
    ),
    # The delegate account
    **each(ConnectionRefused, "password_expired", "ErrorPasswordExpired", "ErrorPasswordChangeRequired"),
    "ErrorImpersonationDenied": Meaning(ConnectionRefused, "impersonation_denied"),
    "ErrorMissingEmailAddress": Meaning(ConnectionRefused, "impersonation_missing"),
    # The mailbox
    "ErrorImpersonateUserDenied": Meaning(MailboxError, "impersonation_denied"),
    **each(
        MailboxError,
        "mailbox_not_found",
        "ErrorNonExistentMailbox",
        "ErrorInvalidSmtpAddress",
        "ErrorNonPrimarySmtpAddress",
        "ErrorInvalidUserPrincipalName",
        "ErrorInvalidSid",
        "ErrorNameResolutionNoResults",
        "ErrorNameResolutionNoMailbox",
    ),
    "ErrorNameResolutionMultipleResults": Meaning(MailboxError, "mailbox_ambiguous"),
    "ErrorAccountDisabled": Meaning(MailboxError, "mailbox_disabled"),
    "ErrorMailboxConfiguration": Meaning(MailboxError, "mailbox_misconfigured"),
    **each(
        MailboxError,
        "mailbox_elsewhere",
        "ErrorCrossSiteRequest",
        "ErrorProxyRequestNotAllowed",
        "ErrorProxyServiceDiscoveryFailed",
    ),
    **each(MailboxError, "calendar_not_found", "ErrorFolderNotFound", "ErrorSyncFolderNotFound"),
    "ErrorQuotaExceeded": Meaning(MailboxError, "mailbox_full"),
    # What we said
    **each(
        ProtocolError,
        "version_refused",
        "ErrorInvalidServerVersion",
        "ErrorInvalidRequest",
        "ErrorIncorrectSchemaVersion",
        "ErrorInvalidSchemaVersionForMailboxVersion",
        "ErrorWrongServerVersion",
    ),
    **each(ProtocolError, "request_refused", "ErrorSchemaValidation", "ErrorInvalidExchangeImpersonationHeaderData"),
    # The entry
    "ErrorOccurrenceCrossingBoundary": Meaning(Inexpressible, "occurrence_crosses_neighbour"),
    "ErrorOccurrenceTimeSpanTooBig": Meaning(Inexpressible, "occurrence_overlaps_neighbour"),
    "ErrorRecurrenceHasNoOccurrence": Meaning(Inexpressible, "recurrence_without_occurrence"),
    "ErrorRecurrenceEndDateTooBig": Meaning(Inexpressible, "recurrence_ends_too_late"),
    **each(
        Inexpressible,
        "recurrence_inexpressible",
        "ErrorCalendarInvalidRecurrence",
        "ErrorCalendarInvalidDayForWeeklyRecurrence",
    ),
    "ErrorCalendarDurationIsTooLong": Meaning(Inexpressible, "duration_too_long"),
    "ErrorCalendarEndDateIsEarlierThanStartDate": Meaning(Inexpressible, "ends_before_start"),
    "ErrorCalendarOutOfRange": Meaning(Inexpressible, "date_out_of_range"),
    "ErrorCalendarInvalidTimeZone": Meaning(Inexpressible, "zone_refused"),
    **each(Inexpressible, "too_long", "ErrorMessageSizeExceeded", "ErrorDataSizeLimitExceeded"),
    **each(ItemError, "field_refused", "ErrorInvalidPropertySet", "ErrorPropertyValidationFailure"),
    "ErrorInvalidRecipients": Meaning(ItemError, "address_refused"),
    **each(ItemError, "unreadable", "ErrorItemCorrupt", "ErrorCorruptData"),
    "ErrorCalendarIsNotOrganizer": Meaning(ItemError, "not_organizer"),
    **each(
        ItemError,
        "answer_refused",
        "ErrorCalendarIsOrganizerForAccept",
        "ErrorCalendarIsOrganizerForTentative",
        "ErrorCalendarIsOrganizerForDecline",
        "ErrorCalendarIsCancelledForAccept",
        "ErrorCalendarIsCancelledForTentative",
        "ErrorCalendarIsCancelledForDecline",
        "ErrorCalendarIsDelegatedForAccept",
        "ErrorCalendarIsDelegatedForTentative",
        "ErrorCalendarIsDelegatedForDecline",
    ),
    "ErrorAccessDenied": Meaning(ItemError),
}
#: Said of the whole request they mean something else than of one item.
OF_THE_REQUEST: Mapping[str, Meaning] = {"ErrorAccessDenied": Meaning(MailboxError, "access_denied")}
#: Any other code, which is kept by its name: of one item, and of the whole request.
OTHER, OTHER_OF_THE_REQUEST = Meaning(ItemError), Meaning(Unavailable, "server_error")

#: Answers of the web server instead of Exchange. It may keep out one user (EwsEnabled) or all (EWS facts §2.2).
STATUSES: Mapping[int, Meaning] = {
    401: Meaning(ConnectionRefused, "sign_in_refused"),
    403: Meaning(MailboxError, "access_denied"),
    429: Meaning(Throttled),
    503: Meaning(Throttled),
}

#: The account's name and password are right, and no good any longer.
OF_SIGN_IN = frozenset(("ErrorPasswordExpired", "ErrorPasswordChangeRequired"))
#: Refusals of the acting for a user, or of whom it was asked for: what comes after it was not reached (EWS facts §2.2).
OF_IMPERSONATION = frozenset(
    (
        "ErrorImpersonateUserDenied",
        "ErrorImpersonationDenied",
        "ErrorImpersonationFailed",
        "ErrorInvalidExchangeImpersonationHeaderData",
        "ErrorInvalidSid",
        "ErrorInvalidSmtpAddress",
        "ErrorInvalidUserPrincipalName",
        "ErrorMissingEmailAddress",
        "ErrorNonExistentMailbox",
        "ErrorNonPrimarySmtpAddress",
    )
)


def error_for(code: str, values: Mapping[str, str] | None = None, *, whole: bool = False) -> SyncError:
    """The error an answer with this response code raises.

    `values`: the answer's MessageXml. `whole`: the whole request was refused (a SOAP fault), not one item of it.
    """
    values = values or {}
    inner = values.get("InnerErrorResponseCode", "")
    if CODES.get(inner, OTHER).kind is Throttled:
        # Said inside ErrorInternalServerError, too (EWS facts §2.9).
        code = inner
    meaning = CODES.get(code, OTHER)
    if whole:
        meaning = OF_THE_REQUEST.get(code) or CODES.get(code, OTHER_OF_THE_REQUEST)
    return meaning.error(code, _seconds(values))


def _seconds(values: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(values["BackOffMilliseconds"]) / 1000)
    except (KeyError, ValueError):
        return None
