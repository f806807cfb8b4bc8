"""Every code of Exchange that we know is the schema's, and decides alone what an error is of."""

from __future__ import annotations

import pytest

from samklang.connectors.ews.codes import CODES, OF_IMPERSONATION, OF_SIGN_IN
from samklang.engine.model import SeenEvent
from samklang.sync.errors import (
    ConnectionRefused,
    Inexpressible,
    ItemError,
    MailboxError,
    NotFound,
    SyncError,
    Throttled,
    Unavailable,
    VersionConflict,
)
from tests.connectors.ews.test_odd_answers import Tell, envelope, failed, item, listing, tell
from tests.contract.calendar import MEETING
from tests.wire.ews.schemas import response_codes

__all__ = ["tell"]


@pytest.mark.parametrize(
    ("code", "kind", "ours"),
    [
        ("ErrorPasswordExpired", ConnectionRefused, "password_expired"),
        ("ErrorPasswordChangeRequired", ConnectionRefused, "password_expired"),
        ("ErrorImpersonationDenied", ConnectionRefused, "impersonation_denied"),
        ("ErrorMailboxConfiguration", MailboxError, "mailbox_misconfigured"),
        ("ErrorCrossSiteRequest", MailboxError, "mailbox_elsewhere"),
        ("ErrorProxyRequestNotAllowed", MailboxError, "mailbox_elsewhere"),
        ("ErrorInvalidSid", MailboxError, "mailbox_not_found"),
        ("ErrorInvalidUserPrincipalName", MailboxError, "mailbox_not_found"),
        ("ErrorProxyCallFailed", Unavailable, "server_unavailable"),
        ("ErrorServerBusy", Throttled, "throttled"),
    ],
)
def test_what_is_said_of_account_or_mailbox_ends_the_reading(
    tell: Tell, code: str, kind: type[SyncError], ours: str
) -> None:
    calendar, _ = tell(listing("A"), envelope("GetItem", failed(code)))
    with pytest.raises(kind) as caught:
        list(calendar.read(None))
    assert (type(caught.value), caught.value.code, caught.value.detail) == (kind, ours, code)


@pytest.mark.parametrize(
    ("code", "kind", "ours"),
    [
        ("ErrorCalendarInvalidTimeZone", Inexpressible, "zone_refused"),
        ("ErrorCalendarOutOfRange", Inexpressible, "date_out_of_range"),
        ("ErrorCalendarInvalidDayForWeeklyRecurrence", Inexpressible, "recurrence_inexpressible"),
        ("ErrorPropertyValidationFailure", ItemError, "field_refused"),
        ("ErrorInvalidPropertySet", ItemError, "field_refused"),
        ("ErrorInvalidRecipients", ItemError, "address_refused"),
        ("ErrorItemCorrupt", ItemError, "unreadable"),
        ("ErrorCalendarIsNotOrganizer", ItemError, "not_organizer"),
        ("ErrorCalendarIsOrganizerForAccept", ItemError, "answer_refused"),
        ("ErrorCalendarIsCancelledForDecline", ItemError, "answer_refused"),
        ("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", NotFound, "not_found"),
        ("ErrorCalendarCannotUseIdForOccurrenceId", VersionConflict, "version_conflict"),
        ("ErrorNobodyHasHeardOf", ItemError, "refused_by_server"),
    ],
)
def test_what_is_said_of_one_entry_is_of_that_one(tell: Tell, code: str, kind: type[SyncError], ours: str) -> None:
    calendar, _ = tell(envelope("CreateItem", failed(code)))
    with pytest.raises(kind) as caught:
        calendar.create(MEETING, "key")
    assert (type(caught.value), caught.value.code, caught.value.detail) == (kind, ours, code)


def test_a_corrupt_entry_does_not_keep_the_others_from_being_read(tell: Tell) -> None:
    calendar, _ = tell(listing("A", "B"), envelope("GetItem", item("A"), failed("ErrorItemCorrupt")))
    (page,) = calendar.read(None)
    assert [event.id for event in page.events] == ["A"]
    assert [(each.id, each.code, each.detail) for each in page.unreadable] == [("B", "unreadable", "ErrorItemCorrupt")]


def test_a_date_that_is_not_in_its_series_any_longer_is_gone_when_it_is_removed(tell: Tell) -> None:
    code = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"
    calendar, server = tell(envelope("GetItem", item("A")), envelope("DeleteItem", failed(code)))
    calendar.delete(SeenEvent("A", "1", MEETING))
    assert server.answers == []


def test_every_code_we_know_is_one_of_the_schema() -> None:
    assert sorted(CODES.keys() - response_codes()) == []
    assert CODES.keys() >= OF_SIGN_IN | OF_IMPERSONATION
