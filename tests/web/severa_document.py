"""Severa's own OpenAPI document, and whether answers are as it says."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from django.http import HttpResponse

PATH = Path(os.environ.get("SAMKLANG_SCHEMAS", Path(__file__).parents[3] / "shared/schemas")) / "severa-openapi.json"
#: For several ids the document says no more than that there are two lists (Severa facts §1.7).
_SEVERAL = re.compile(r"/activities/[^/]*,")


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PATH.read_text())
    return found


@cache
def _schemas() -> Any:
    return _closed(_document()["components"]["schemas"])


def _closed(schema: Any) -> Any:
    """JSON Schema of an OpenAPI 3.0 schema: what is nullable may be null, references are found in `$defs`."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items() if name not in ("nullable", "format")}
    if "$ref" in closed:
        closed["$ref"] = closed["$ref"].replace("#/components/schemas/", "#/$defs/")
    return {"anyOf": [closed, {"type": "null"}]} if schema.get("nullable") else closed


def check(schema: Any, value: Any) -> None:
    """Raises where the value is not as the schema (or the one of that name) says."""
    named = {"$ref": f"#/$defs/{schema}"} if isinstance(schema, str) else _closed(schema)
    jsonschema_rs.validator_for({**named, "$defs": _schemas()}).validate(value)


def check_answer(method: str, address: str, answer: HttpResponse) -> bool:
    """Whether the document knows the request; raises where the answer is not as it says."""
    path = address.partition("?")[0].removeprefix("/rest-api").replace("/v1.0/", "/v1/")
    operation = _operation(method, path)
    if operation is None:
        return False
    if answer.status_code >= 400:
        check("ExceptionModel", json.loads(answer.content))
        return True
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, (
        f"{method} {path} is answered by {answer.status_code}, which the document does not know"
    )
    content = described.get("content", {}).get("application/json")
    if content and content["schema"].get("format") != "binary" and not _SEVERAL.search(path):
        check(content["schema"], json.loads(answer.content))
    return True


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, operations in _document()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            found: dict[str, Any] | None = operations.get(method.lower())
            return found
    return None
