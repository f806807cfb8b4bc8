"""What a request's body holds: an object, or a JSON Patch of *replace* operations (Severa facts §1.7)."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from django.http import HttpRequest

from samklang.web.severa_api.problems import invalid

T = TypeVar("T", dict[str, Any], list[Any], str)

_NAMES = {dict: "object", list: "array", str: "string"}


def body_of(request: HttpRequest, kind: type[T]) -> T:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise invalid(400, "The body is not JSON", "RequestBody") from None
    if not isinstance(body, kind):
        raise invalid(400, f"The body is a JSON {_NAMES[kind]}", "RequestBody")
    return body


def replaced(request: HttpRequest) -> dict[str, Any]:
    """The replaced fields as a nested object; "/x/guid" becomes {"x": {"guid": …}}."""
    fields: dict[str, Any] = {}
    for operation in body_of(request, list):
        if not isinstance(operation, dict) or str(operation.get("op", "")).lower() != "replace":
            raise invalid(400, "Only Replace is supported", "RequestBody", "op")
        path = [part for part in str(operation.get("path", "")).split("/") if part]
        if not path:
            raise invalid(400, "path names a field, such as /name", "RequestBody", "path")
        value = operation.get("value")
        for part in reversed(path[1:]):
            value = {part: value}
        known = fields.get(path[0])
        fields[path[0]] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return fields
