"""A column for what a clock on the wall shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models


class WallTimeField(models.Field):
    """A naive date and time, without zone or conversion (Django's own field always makes it an instant)."""

    def db_type(self, connection: Any) -> str:
        return "timestamp without time zone"

    def to_python(self, value: Any) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        return datetime.fromisoformat(value)
