"""Requests and answers against Microsoft's schemas, where they are at hand (`SAMKLANG_SCHEMAS`).

A bad request is answered as Exchange answers it; a bad answer of ours is a defect and recorded as one.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from samklang.sandbox.context import Sandbox
from samklang.sandbox.ews import versions
from samklang.sandbox.ews.soap import Request, SoapFault


def _first(schema: etree.XMLSchema) -> Any:
    log: Any = schema.error_log  # a sequence, which its type stubs do not know
    return log[0]


class Schemas:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._loaded: dict[str, etree.XMLSchema] = {}

    def _schema(self, name: str) -> etree.XMLSchema | None:
        """None where the schemas are not at hand."""
        if self._sandbox.schemas is None:
            return None
        if name not in self._loaded:
            file = self._sandbox.schemas / "ews" / name / "messages.xsd"
            if not file.exists():
                return None
            self._loaded[name] = etree.XMLSchema(etree.parse(str(file)))
        return self._loaded[name]

    def check_request(self, request: Request, rank: int, newest: int) -> None:
        """Raises SoapFault: ErrorIncorrectSchemaVersion where the server's newest schema would allow it, else
        ErrorSchemaValidation with the first violation (EWS facts §2.1)."""
        schema = self._schema(versions.schema_of(rank))
        if schema is None:
            return
        self._sandbox.validation.requests_checked += 1
        # RequestServerVersion has a fixed value per schema; `versions.requested` is its check.
        parts = [request.body, *(e for name, e in request.header.items() if name != "RequestServerVersion")]
        bad = next((part for part in parts if not schema.validate(part)), None)
        if bad is None:
            return
        violation = _first(schema)
        later = self._schema(versions.schema_of(newest))
        if later is not None and later is not schema and all(later.validate(part) for part in parts):
            raise SoapFault(
                "ErrorIncorrectSchemaVersion",
                "The request is valid but does not specify the correct server version in the RequestServerVersion"
                " SOAP header. Ensure that the RequestServerVersion header is set with the correct"
                " RequestServerVersionValue.",
            )
        raise SoapFault(
            "ErrorSchemaValidation",
            f"The request failed schema validation: {violation.message}",
            {"LineNumber": str(violation.line), "LinePosition": str(violation.column), "Violation": violation.message},
        )

    def check_answer(self, operation: str, answer: etree._Element, rank: int) -> None:
        schema = self._schema(versions.schema_of(rank))
        if schema is not None:
            violation = None if schema.validate(answer) else _first(schema).message
            self._sandbox.validation.checked("ews", operation, violation)
