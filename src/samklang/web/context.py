"""What every template may know of the installation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from samklang.config import config


def installation(request: HttpRequest) -> dict[str, Any]:
    return {"test_clock": config().test_clock is not None}
