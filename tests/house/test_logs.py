"""Nothing a person typed reaches the log, not even in the message of an exception."""

import logging
import sys

import pytest

from samklang.logs import WithoutContent


@pytest.fixture
def line() -> str:
    try:
        raise ValueError("Failing row contains (Dinner with the minister)")
    except ValueError:
        record = logging.LogRecord("samklang.sync", logging.ERROR, __file__, 1, "run failed", (), sys.exc_info())
    record.mailbox = 7
    return WithoutContent().format(record)


def test_an_exceptions_message_stays_out_of_the_log(line: str) -> None:
    assert "minister" not in line.replace('raise ValueError("Failing row contains (Dinner with the minister)")', "")


def test_its_kind_its_place_and_the_ids_are_told(line: str) -> None:
    assert line.splitlines()[0].endswith("run failed mailbox=7")
    assert line.endswith("ValueError") and "test_logs.py" in line
