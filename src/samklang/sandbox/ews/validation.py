"""Requests and answers against Microsoft's schemas, where they are at hand (`SAMKLANG_SCHEMAS`).

A bad request is answered as Exchange answers it; a bad answer of ours is a defect and recorded as one.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from samklang.sandbox.context import Sandbox
from samklang.sandbox.ews import soap, versions
from samklang.sandbox.ews.soap import ItemError, M, Request, SoapFault
from samklang.sandbox.ews.versions import ORDER, ServerBuild
from samklang.sandbox.traffic import Call

_LONGEST = 300  # one about an enumeration names all its values


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

    def check_request(self, request: Request, build: ServerBuild, call: Call) -> int:
        """The rank of the version the request claims. Raises SoapFault: as `versions.requested`, and
        ErrorIncorrectSchemaVersion where the server's newest schema would allow what the claimed one does not, else
        ErrorSchemaValidation with the first violation (EWS facts §2.1)."""
        header = request.header.get("RequestServerVersion")
        claimed = None if header is None else header.get("Version", "")
        schema = self._schema(versions.schema_of(_rank(claimed)))
        violation = None if schema is None or _is_valid(schema, request) else _first(schema)
        if schema is not None:  # counted whether or not this server takes the version
            said = None if violation is None else str(violation.message)[:_LONGEST]
            self._sandbox.validation.request("ews", claimed or ORDER[0], request.operation, call.client, said)
        rank = versions.requested(build, claimed)
        if violation is None:
            return rank
        later = self._schema(versions.schema_of(ORDER.index(build.newest)))
        if later is not None and later is not schema and _is_valid(later, request):
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
            violation = None if schema.validate(answer) else str(_first(schema).message)[:_LONGEST]
            self._sandbox.validation.answer("ews", ORDER[rank], operation, violation)

    def check_fault(self, error: SoapFault, build: ServerBuild) -> None:
        """A fault's own shape is SOAP's; its code and values are to be what the server's schema lets a message say."""
        answer, messages = soap.response("GetItem")
        message = soap.failure(messages, "GetItem", ItemError(error.code, str(error), error.values))
        etree.SubElement(message, f"{M}Items")
        self.check_answer("fault", answer, ORDER.index(build.newest))


def _rank(claimed: str | None) -> int:
    """The version whose schema a request is held to: without a claim the oldest, for one nobody knows the newest."""
    return versions.V2007 if claimed is None else ORDER.index(claimed) if claimed in ORDER else len(ORDER) - 1


def _is_valid(schema: etree.XMLSchema, request: Request) -> bool:
    # RequestServerVersion has a fixed value per schema; `versions.requested` is its check.
    parts = [request.body, *(e for name, e in request.header.items() if name != "RequestServerVersion")]
    return all(schema.validate(part) for part in parts)
