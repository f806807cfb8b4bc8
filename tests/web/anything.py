"""Requests that schemathesis makes up, sent to our own pages without a server, each as if it were the only one."""

from __future__ import annotations

from collections.abc import Callable

from django.core.wsgi import get_wsgi_application
from django.db import transaction
from schemathesis import Case
from schemathesis.core.transport import Response


def mounted(path: str) -> Callable[[Case, dict[str, str]], Response]:
    """How an API below `path` is called."""
    served = get_wsgi_application()

    def call(case: Case, headers: dict[str, str]) -> Response:
        with transaction.atomic():
            response = case.call(f"http://localhost{path}", headers=headers, app=served)
            transaction.set_rollback(True)
        return response

    return call
