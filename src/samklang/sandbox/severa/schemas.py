"""Checks answers against Severa's public document where it is present."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

_FILE = "severa-openapi.json"


class Schemas:
    """`folder` None, or without the document: nothing is checked."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / _FILE if folder is not None and (folder / _FILE).is_file() else None
        self._made: dict[str, Any] = {}

    @property
    def present(self) -> bool:
        return self._file is not None

    def violation(self, schema: str, value: Any) -> str | None:
        """What is wrong with an answer of ours; None if nothing is, or nothing is checked. `schema` is a name of the
        document's, with [] behind it for a list."""
        if self._file is None:
            return None
        error = next(iter(self._validator(schema, self._file).iter_errors(value)), None)
        return None if error is None else f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"

    def _validator(self, schema: str, file: Path) -> Any:
        if schema not in self._made:
            named = {"$ref": f"#/components/schemas/{schema.removesuffix('[]')}"}
            root = {"type": "array", "items": named} if schema.endswith("[]") else named
            self._made[schema] = jsonschema_rs.Draft202012Validator(root | {"components": _components(file)})
        return self._made[schema]


@cache
def _components(file: Path) -> Any:
    return _json_schema(json.loads(file.read_text(encoding="utf-8"))["components"])


def _json_schema(part: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what is nullable may be null; formats are the document's own."""
    if isinstance(part, list):
        return [_json_schema(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: _json_schema(value) for name, value in part.items() if name not in ("nullable", "format")}
    return {"anyOf": [made, {"type": "null"}]} if part.get("nullable") is True else made
