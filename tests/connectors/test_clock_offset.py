"""What an answer's Date says of the server's clock (rule 7.4)."""

from datetime import UTC, datetime, timedelta

from samklang.connectors.http import Counts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_date_of_an_answer_tells_how_far_the_server_is_ahead() -> None:
    counts = Counts(clock=lambda: NOON)
    counts.heard("Mon, 02 Mar 2026 12:10:00 GMT")
    assert counts.ahead == timedelta(minutes=10)


def test_without_a_readable_date_nothing_is_known() -> None:
    counts = Counts(clock=lambda: NOON)
    counts.heard(None)
    counts.heard("yesterday")
    assert counts.ahead is None
