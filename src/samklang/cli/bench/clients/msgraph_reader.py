"""msgraph-sdk: `events.get()` over the same page."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx  # type: ignore[import-not-found,unused-ignore]
from kiota_abstractions.authentication.anonymous_authentication_provider import (  # type: ignore[import-not-found,unused-ignore]
    AnonymousAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient  # type: ignore[import-not-found,unused-ignore]

order = json.load(sys.stdin)


async def main() -> None:
    http = httpx.AsyncClient(verify=order["ca_file"], trust_env=False)
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http)
    adapter.base_url = order["url"]
    client = GraphServiceClient(request_adapter=adapter)

    async def read() -> int:
        page = await client.users.by_user_id(order["address"]).events.get()
        return len(page.value) if page and page.value else 0

    events = await read()
    passes = []
    for _ in range(order["passes"]):
        began = time.process_time()
        await read()
        passes.append(time.process_time() - began)
    print(json.dumps({"passes": passes, "events": events}))


asyncio.run(main())
