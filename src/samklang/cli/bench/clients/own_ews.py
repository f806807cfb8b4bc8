"""Our EWS connector: GetItem answers to whole events."""

from __future__ import annotations

import json
import sys
import time

from samklang.connectors.ews.access import EwsAccess
from samklang.connectors.ews.fetch import Fetcher
from samklang.connectors.ews.soap import Soap

order = json.load(sys.stdin)
access = EwsAccess(order["url"], "", "any@bench.example", "any", "basic", ca_file=order["ca_file"], allow_private=True)
fetcher = Fetcher(Soap(access, order["address"]), "Europe/Stockholm")


def read() -> int:
    ids, batch = order["ids"], order["batch"]
    return sum(len(fetcher.events(ids[start : start + batch])[0]) for start in range(0, len(ids), batch))


events = read()
passes = []
for _ in range(order["passes"]):
    began = time.process_time()
    read()
    passes.append(time.process_time() - began)
print(json.dumps({"passes": passes, "events": events}))
