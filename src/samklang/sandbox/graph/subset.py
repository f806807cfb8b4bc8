"""What a request is held to besides its body's schema: the operations the subset lists, and their query options.

Stricter than the service, which forgives other cases of letters, and nothing is refused for it: what does not fit is
counted (`sandbox/validation.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs

from samklang.sandbox.graph.call import Call
from samklang.sandbox.graph.schemas import Schemas, document

_KINDS = {"string": re.compile(".+", re.DOTALL), "integer": re.compile(r"\d+"), "boolean": re.compile("true|false")}
_TOKENS, _WINDOW = frozenset(("$deltatoken", "$skiptoken")), frozenset(("startdatetime", "enddatetime"))


def violation(schemas: Schemas, call: Call, raw: bytes) -> str | None:
    """What is wrong with a request as it was sent; None if nothing is, or nothing is checked."""
    if schemas.file is None:
        return None
    operation = next((o for o in _operations(schemas.file) if o.matches(call.method, call.path)), None)
    if operation is None:
        return f"the subset has no {call.method} {call.operation}"
    wrong = operation.query_violation(call.query)
    if wrong is not None or not operation.body:
        return wrong or ("a body where none belongs" if raw else None)
    try:
        return schemas.violation(operation.body, json.loads(raw or b"{}"))
    except ValueError:
        return "the body is no JSON"


class Operation(NamedTuple):
    """One operation of the subset. `query`: names in lower case -> schema; `body`: the name of its schema, or ""."""

    method: str
    path: re.Pattern[str]
    query: dict[str, Any]
    required: frozenset[str]
    body: str

    def matches(self, method: str, path: str) -> bool:
        return self.method == method and self.path.fullmatch(path) is not None

    def query_violation(self, sent: Mapping[str, str]) -> str | None:
        for name, text in sent.items():
            if name == "$select" and self.path.pattern.endswith("/events/delta"):
                continue  # in the field, whatever the document says (Graph facts §1.5)
            if name not in self.query:
                return f"the query option {name} does not belong here"
            kind = self.query[name]["type"]
            if not _KINDS[kind].fullmatch(text):
                return f"the query option {name} is no {kind}"
            if kind == "integer" and not jsonschema_rs.is_valid(self.query[name], int(text)):
                return f"the query option {name} is out of range"
        missing = self.required - sent.keys()
        if self.path.pattern.endswith("calendarView/delta") and not sent.keys() & _TOKENS:
            missing = _WINDOW - sent.keys()  # named in the first round, later in its token (Graph facts §1.1)
        return f"the query options {sorted(missing)} are missing" if missing else None


@cache
def _operations(file: Path) -> tuple[Operation, ...]:
    return tuple(
        _operation(method.upper(), path, item | details)
        for path, item in document(file)["paths"].items()
        for method, details in item.items()
        if method in ("get", "post", "patch", "delete")
    )


def _operation(method: str, path: str, details: Mapping[str, Any]) -> Operation:
    query = [one for one in details.get("parameters", ()) if one["in"] == "query"]
    content = details.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        method,
        re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))),
        {one["name"].lower(): one["schema"] for one in query},
        frozenset(one["name"].lower() for one in query if one.get("required")),
        content.get("schema", {}).get("$ref", "").rpartition("/")[2],
    )
