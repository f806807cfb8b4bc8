"""Where the last round of a delta query ended: the token of a Microsoft 365 calendar, and a secret of the tenant (Graph
facts §3.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from samklang.connectors.graph.client import GraphClient
from samklang.sync.errors import TokenRejected

#: How far back the window of the delta query goes; a day more than rule 3.3 needs, as all-day events match as UTC
#: midnights. And how far ahead.
PAST, FUTURE = timedelta(days=35), timedelta(days=730)


class Anchor(msgspec.Struct, frozen=True):
    link: str
    #: End of the window frozen in the link, aware UTC; None for a delta of the events themselves, which has none.
    until: datetime | None = None

    @classmethod
    def of(cls, token: str, client: GraphClient) -> Anchor:
        """Raises TokenRejected for what is none of ours, or of another service."""
        try:
            anchor = msgspec.json.decode(token, type=cls)
        except msgspec.MsgspecError:
            raise TokenRejected(detail="not a token of this calendar") from None
        if not client.follows(anchor.link):
            # The connection moved to another cloud or host: the old link must not see our new credentials.
            raise TokenRejected(detail="token of another service")
        return anchor

    def token(self) -> str:
        return msgspec.json.encode(self).decode()

    def at(self, link: str) -> Anchor:
        """The same window, a round later."""
        return msgspec.structs.replace(self, link=link)

    def is_half_used(self, now: datetime) -> bool:
        """The window does not move with time: before half of its future is used up, a new one is begun."""
        return self.until is not None and self.until - now < FUTURE / 2
