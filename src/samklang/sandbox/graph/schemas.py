"""Checks requests and answers against the official Graph schemas where they are present.

What the file says nothing of is added to it here, from its own types. Its operations: `subset.py`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from samklang.sandbox.graph.call import GraphError

_FILE = "graph-calendar-openapi.yaml"
# Parts of a request whose case the service does not mind (Graph facts §4.1).
_CASELESS = frozenset(
    ("type", "contentType", "importance", "sensitivity", "showAs", "index", "firstDayOfWeek", "locationType")
)
# The file has the type of an organization, but neither the list of them nor its option (Graph facts §2.1).
_OWN = {
    "collection.organization": {
        "type": "object",
        "required": ["value"],
        "properties": {
            "@odata.context": {"type": "string"},
            "value": {"type": "array", "items": {"$ref": "#/components/schemas/microsoft.graph.organization"}},
        },
        "additionalProperties": False,
    }
}


class Schemas:
    """`folder` None, or without the Graph file: nothing is checked."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / _FILE if folder is not None and (folder / _FILE).is_file() else None
        self._made: dict[str, Any] = {}

    def check_request(self, schema: str, body: Any) -> None:
        """Raises GraphError as the service answers what it cannot read."""
        validator = self._validator(schema)
        for error in validator.iter_errors(body) if validator is not None else ():
            where = "/".join(str(step) for step in error.instance_path) or "the body"
            unknown = "additional propert" in error.message.lower()
            code = "RequestBodyRead" if unknown else "ErrorPropertyValidationFailure"
            raise GraphError(400, code, f"{where}: {error.message[:300]}")

    def violation(self, schema: str, body: Any) -> str | None:
        """What is wrong with an answer of ours; None if nothing is, or nothing is checked."""
        validator = self._validator(schema)
        if validator is None or validator.is_valid(body):
            return None
        error = next(iter(validator.iter_errors(body)))
        return f"{'/'.join(str(step) for step in error.instance_path)}: {error.message[:300]}"

    @property
    def file(self) -> Path | None:
        """None where nothing is checked."""
        return self._file

    def _validator(self, schema: str) -> Any:
        if self._file is None:
            return None
        if schema not in self._made:
            document = {"$ref": f"#/components/schemas/{schema}", "components": _components(self._file)}
            self._made[schema] = jsonschema_rs.Draft202012Validator(document)
        return self._made[schema]


@cache
def document(file: Path) -> dict[str, Any]:
    """The file, with what is added to it here."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    whole: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a safe loader, see above)
    whole["components"]["schemas"] |= _OWN
    whole["paths"]["/organization"]["get"]["parameters"] = [
        {"name": "$select", "in": "query", "schema": {"type": "string"}}
    ]
    return whole


@cache
def _components(file: Path) -> dict[str, Any]:
    components: dict[str, Any] = document(file)["components"]
    return components


def plain(body: Any, key: str = "") -> Any:
    """A request body as the schemas spell it: annotations (`@odata.…`) dropped, enum values lower camel."""
    if isinstance(body, dict):
        kept = {name: plain(value, name) for name, value in body.items() if "@odata." not in name}
        extension = body.get("@odata.type")
        return kept | {"@odata.type": extension} if "extensionName" in body and extension else kept
    if isinstance(body, list):
        return [plain(part, key) for part in body]
    if isinstance(body, str) and key in _CASELESS and body:
        return body[0].lower() + body[1:] if not body.isupper() else body.lower()
    if isinstance(body, str) and key == "daysOfWeek":
        return body.lower()
    return body
