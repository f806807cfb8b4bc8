"""exchangelib over the same GetItem answers: what `Account.fetch` does once it has looked up the folder."""

from __future__ import annotations

import json
import sys
import time

import exchangelib as x  # type: ignore[import-not-found,unused-ignore]
from exchangelib.fields import FieldPath  # type: ignore[import-not-found,unused-ignore]
from exchangelib.properties import ItemId  # type: ignore[import-not-found,unused-ignore]
from exchangelib.services import GetItem  # type: ignore[import-not-found,unused-ignore]

order = json.load(sys.stdin)
account = x.Account(
    order["address"],
    config=x.Configuration(
        service_endpoint=order["url"],
        credentials=x.Credentials("any@bench.example", "any"),
        auth_type=x.BASIC,
        version=x.Version(x.Build(15, 0, 847)),
    ),
    access_type=x.IMPERSONATION,
    autodiscover=False,
    default_timezone=x.EWSTimeZone("Europe/Stockholm"),
)
FIELDS = [FieldPath(field=field) for field in x.CalendarItem.supported_fields(account.version)]
ids = [ItemId(id=each) for each in order["ids"]]


def read() -> int:
    found = GetItem(account=account, chunk_size=order["batch"]).call(
        items=ids, additional_fields=FIELDS, shape="IdOnly"
    )
    return sum(isinstance(item, x.CalendarItem) for item in found)


events = read()
passes = []
for _ in range(order["passes"]):
    began = time.process_time()
    read()
    passes.append(time.process_time() - began)
print(json.dumps({"passes": passes, "events": events}))
