"""Whatever a document allows, and what it does not, sent to an API: schemathesis makes requests and judges answers.

What it makes up alone rarely meets anything: most of the ids, times and names of fields it invents are replaced by such
as there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, Config, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

#: The Authorization header is ours; nothing of our source goes into the requests, so that they stay the same.
_CONFIG = {"generation": {"with-security-parameters": False}, "analysis": {"constants": {"enabled": False}}}
_METHODS = {"get", "post", "put", "patch", "delete"}
_CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TIMES = (
    "2026-03-02T09:00:00+01:00",
    "2026-03-09T11:00:00Z",
    "2026-03-29T02:30:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
)
VALUES = (*TIMES, "true", False, None, "", "x", "x" * 1001, 7, {"guid": "x"}, [])
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Api:
    """One API: its document, how it is called, who calls and what there is behind it."""

    document: Mapping[str, Any]
    #: Sends a request with these headers.
    call: Callable[[Case, dict[str, str]], Response]
    #: Access tokens; one of them, or none, is sent along.
    tokens: Sequence[str]
    #: Values there are, by the ends of the names that ask for them, in small letters.
    known: Mapping[str, Sequence[Any]]
    #: What a PATCH can replace, as paths without their first stroke.
    fields: Sequence[str] = ("name",)
    #: Answers the document is too short to know.
    let_pass: Callable[[Case, Response], bool] = field(default=lambda case, response: False)

    def __post_init__(self) -> None:
        self._schema = openapi.from_dict(dict(self.document), config=Config.from_dict(_CONFIG))

    def try_out(self, operations: Collection[tuple[str, str]], examples: int) -> int:
        """Send so many requests to each operation; returns how many were sent.

        Raises an ExceptionGroup of what schemathesis found: answers that are not as the document says, failures.
        """
        found: list[BaseException] = []
        sent = 0
        for method, path in operations:
            try:
                sent += self._try_one(method, path, examples)
            except (Exception, FailureGroup) as failure:
                failure.add_note(f"{method} {path}")
                found.append(failure)
        if found:
            raise BaseExceptionGroup(f"{len(found)} operations do not answer as they should", found)
        return sent

    def _try_one(self, method: str, path: str, examples: int) -> int:
        sent: list[int] = []

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data(), _cases(self._schema[path][method]))
        def run(data: st.DataObject, case: Case) -> None:
            self._fill(data.draw, case)
            token = data.draw(st.sampled_from((*self.tokens, None)))
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            response = self.call(case, headers)
            sent.append(response.status_code)
            if not self.let_pass(case, response):
                case.validate_response(response, checks=_CHECKS)

        run()
        return len(sent)

    def _fill(self, draw: Draw, case: Case) -> None:
        case.path_parameters = self._filled(draw, case.path_parameters, "")
        case.query = self._filled(draw, case.query, "")
        if isinstance(case.body, dict | list):
            case.body = self._filled(draw, case.body, "")

    def _filled(self, draw: Draw, value: Any, name: str) -> Any:
        if isinstance(value, dict) and "op" in value:
            return self._patched(draw, value)
        if isinstance(value, dict):
            return {key: self._filled(draw, inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(draw, inner, name) for inner in value]
        known = next((values for end, values in self.known.items() if name.lower().endswith(end)), None)
        return draw(st.sampled_from(known)) if known and _mostly(draw) else value

    def _patched(self, draw: Draw, operation: dict[str, Any]) -> dict[str, Any]:
        if not _mostly(draw):
            return operation
        path = draw(st.sampled_from(self.fields))
        value = self._filled(draw, draw(st.sampled_from(VALUES)), path)
        return {**operation, "op": draw(st.sampled_from(("Replace", "replace"))), "path": f"/{path}", "value": value}


def _mostly(draw: Draw) -> bool:
    return bool(draw(st.integers(0, 3)))


def _cases(operation: Any) -> st.SearchStrategy[Case]:
    """Requests as the document allows them; and, where something can be sent that goes against it, such that do."""
    allowed: st.SearchStrategy[Case] = operation.as_strategy()
    if not operation.body and not list(operation.iter_parameters()):
        return allowed
    return allowed | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def operations(document: Mapping[str, Any], served: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """Method and path of what the document knows; of the paths `served` alone, whatever they call their parameters."""
    alike = None if served is None else {re.sub(r"{\w+}", "{}", path) for path in served}
    for path, methods in document["paths"].items():
        if alike is None or re.sub(r"{\w+}", "{}", path) in alike:
            yield from ((method.upper(), path) for method in methods if method in _METHODS)
