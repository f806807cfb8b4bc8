"""`$batch`: up to 20 requests in one (Graph facts §5.3). Parts are throttled, and fail, each on its own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from samklang.sandbox import traffic
from samklang.sandbox.graph.call import Answer, Call, GraphError

if TYPE_CHECKING:
    from samklang.sandbox.graph.app import Door

_MOST, _AT_ONCE = 20, 4


async def answer(door: Door, request: web.Request, call: Call, raw: bytes) -> web.StreamResponse:
    try:
        parts = _parts(door, raw)
    except GraphError as error:
        return door.error(call, error)
    done: dict[str, dict[str, Any]] = {}
    waiting = list(parts)
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def run(part: dict[str, Any]) -> None:
        failed = [id for id in part.get("dependsOn", []) if done[id]["status"] >= 400]
        if failed:
            error = {"error": {"code": "FailedDependency", "message": f"Part {failed[0]} failed."}}
            done[part["id"]] = {"id": part["id"], "status": 424, "body": error}
            return
        async with at_once:
            done[part["id"]] = {"id": part["id"], **await _performed(door, request, call, part)}

    while waiting:
        ready = [part for part in waiting if all(id in done for id in part.get("dependsOn", []))]
        waiting = [part for part in waiting if part not in ready]
        await asyncio.gather(*(run(part) for part in ready))
    responses = sorted(done.values(), key=lambda response: hash(response["id"]))  # in any order, as the service
    return door.written(call, "batch.response", Answer(200, {"responses": responses}))


def _parts(door: Door, raw: bytes) -> list[dict[str, Any]]:
    """Raises GraphError for what is no batch: too many parts, ids twice, a circle of dependencies."""
    try:
        body = json.loads(raw)
        parts: list[dict[str, Any]] = body["requests"]
        ids = [part["id"] for part in parts]
    except (ValueError, TypeError, KeyError) as error:
        raise GraphError(400, "BadRequest", "Invalid batch payload format.") from error
    if not 1 <= len(parts) <= _MOST:
        raise GraphError(400, "BadRequest", f"Number of batch request steps must be 1 to {_MOST}.")
    door.schemas.check_request("batch.request", body)
    if len(set(ids)) != len(ids):
        raise GraphError(400, "BadRequest", "Ids of a batch must be unique.")
    before: set[str] = set()
    for part in parts:
        if any(id not in before for id in part.get("dependsOn", [])):
            raise GraphError(400, "BadRequest", "A part may only depend on parts that stand before it.")
        before.add(part["id"])
    return parts


async def _performed(door: Door, request: web.Request, outer: Call, part: dict[str, Any]) -> dict[str, Any]:
    path, _, query = part["url"].partition("?")
    sent = {name.lower(): value for name, value in (part.get("headers") or {}).items()}
    call = Call(
        method=part["method"],
        path=unquote(path),
        query={name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)},
        headers={"authorization": outer.headers.get("authorization", "")} | sent,
        body=None,
        base=outer.base,
    )
    raw = json.dumps(part["body"]).encode() if "body" in part else b""
    note = traffic.Call(door.traffic, "graph")
    real = await door.one(request, call, raw, note)
    door.traffic.told(note, real.headers)
    door.traffic.leave(note, real.status)
    found: dict[str, Any] = {
        "status": real.status,
        "headers": {str(name): value for name, value in real.headers.items()},
    }
    if isinstance(real, web.Response) and isinstance(real.body, bytes) and real.body:
        found["body"] = json.loads(real.body)
    return found
