"""Severa's routes of activities, apart from their listing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from samklang.sandbox.severa import acts, patch
from samklang.sandbox.severa.acts import Actor
from samklang.sandbox.severa.call import Answer, Call, SeveraError, invalid
from samklang.sandbox.severa.model import Body
from samklang.sandbox.severa.service import Severa
from samklang.sandbox.severa.wire import Wire

Parts = Mapping[str, str]


def actor_of(call: Call) -> Actor:
    assert call.client is not None
    return Actor.program(call.client.client_id)


def get(severa: Severa, call: Call, parts: Parts) -> Answer:
    return Answer(200, Wire(severa).target(severa.target(parts["guid"], call.org)))


def create(severa: Severa, call: Call, parts: Parts) -> Answer:
    made = acts.create(severa, actor_of(call), call.org, _read(call.body()))
    return Answer(201, Wire(severa).target(made))


def update(severa: Severa, call: Call, parts: Parts) -> Answer:
    """One activity, or several, their guids separated by commas; then errors stand beside what succeeded."""
    operations, guids = call.body(), [guid for guid in parts["guid"].split(",") if guid.strip()]
    if len(guids) == 1:
        return Answer(200, [_patched(severa, call, guids[0], operations)])
    succeeded: list[Any] = []
    errors: list[Any] = []
    for guid in guids:
        try:
            succeeded.append(_patched(severa, call, guid.strip(), operations))
        except SeveraError as error:
            errors.append(error.body(call.path)["error"])
    return Answer(200, {"succeeded": succeeded, "errors": errors})


def _patched(severa: Severa, call: Call, guid: str, operations: Any) -> dict[str, Any]:
    target = severa.target(guid, call.org)
    document = patch.replaced(msgspec.to_builtins(target.body), operations, severa.settings)
    changed = acts.change(severa, actor_of(call), target, _read(document, strict=False))
    return Wire(severa).target(changed)


def _read(document: Any, *, strict: bool = True) -> Body:
    """`strict` False: numbers and truth values may be texts."""
    try:
        return msgspec.convert(document, Body, strict=strict)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise invalid(f"{message}.", where.strip("`.") or "body") from error


def delete(severa: Severa, call: Call, parts: Parts) -> Answer:
    acts.delete(severa, actor_of(call), severa.target(parts["guid"], call.org))
    return Answer(204)


def reset_exceptions(severa: Severa, call: Call, parts: Parts) -> Answer:
    acts.reset_exceptions(severa, actor_of(call), severa.target(parts["guid"], call.org))
    return Answer(204)
