"""What reaches the log: codes, ids and places in our code, never what a person typed.

The message of an exception may quote a row or a value (a database names the failing row), so of an exception only its
kind and its path through the code are written.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType
from typing import Any

#: Attributes every record has; the rest was given as `extra`: ids and codes.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "status_code"}


class WithoutContent(logging.Formatter):
    """One line a record, with its ids; exceptions without their messages."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        ids = {name: value for name, value in vars(record).items() if name not in _USUAL}
        line = super().format(record)
        first, _, rest = line.partition("\n")
        told = " ".join(f"{name}={value}" for name, value in ids.items() if isinstance(value, int | str))
        return "\n".join(part for part in (f"{first} {told}".rstrip(), rest) if part)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging names it so)
        kind: type[BaseException] | None = ei[0]
        frames: TracebackType | None = ei[2]
        return "".join(traceback.format_tb(frames)) + (kind.__name__ if kind else "")


#: For Django's LOGGING: everything of warning or worse to standard error.
TO_STDERR: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"without_content": {"()": WithoutContent}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "without_content"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "samklang": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
