"""JSON Patch as Severa takes it: Replace only, paths by name (Severa facts §1.7)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from samklang.sandbox.severa.call import impossible, invalid
from samklang.sandbox.severa.settings import SeveraSettings

_SPELLINGS: dict[str, Callable[[str], bool]] = {"lower": str.islower, "capital": str.istitle, "any": bool}


def replaced(document: dict[str, Any], operations: Any, settings: SeveraSettings) -> dict[str, Any]:
    """A document with the operations applied; itself unchanged. Raises SeveraError."""
    if not isinstance(operations, list) or not operations:
        raise invalid("The request body is no list of operations.", "body")
    made = copy.deepcopy(document)
    for operation in operations:
        if not isinstance(operation, dict):
            raise invalid("An operation is no object.", "body")
        _check(operation, settings)
        _replace(made, str(operation.get("path") or ""), operation.get("value"), settings)
    return made


def _check(operation: dict[str, Any], settings: SeveraSettings) -> None:
    op, value = operation.get("op"), operation.get("value")
    known = isinstance(op, str) and op.lower() in ("add", "copy", "move", "remove", "replace")
    if not known or not _SPELLINGS[settings.patch_ops](str(op)):
        raise invalid(f"op has no value {op!r}.", "op")
    if str(op).lower() != "replace":
        raise impossible("Only Replace is supported.")
    if settings.patch_values == "strings" and not isinstance(value, str | None):
        raise invalid("The value is no string.", "value")


def _replace(document: dict[str, Any], path: str, value: Any, settings: SeveraSettings) -> None:
    steps = path.split("/")
    if len(steps) < 2 or steps[0]:
        raise invalid(f"There is no path {path!r}.", path)
    if steps[1].casefold() in {name.casefold() for name in settings.fixed_fields}:
        raise impossible(f"{steps[1]} cannot be updated.")
    place: Any = document
    for step in steps[1:-1]:
        place = place[_name(place, step, path)]
    place[_name(place, steps[-1], path)] = value


def _name(place: Any, step: str, path: str) -> str:
    """The document's spelling of a step; what is read only, or lies in something that is null, has none."""
    for name in place if isinstance(place, dict) else ():
        if name.casefold() == step.casefold():
            return str(name)
    raise invalid(f"The target location specified by path {path!r} was not found, or is read only.", path)
