"""Asking about many mailboxes of a tenant at once whether anything changed: one `$batch` of their delta links, each of
another mailbox, so that none meets more than one request of it (Graph facts §5.3)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
import requests

from samklang.connectors.graph import schema
from samklang.connectors.graph.anchor import Anchor
from samklang.connectors.graph.client import GraphClient, error_of
from samklang.sync.errors import SyncError, Throttled, TokenRejected

K = TypeVar("K", bound=Hashable)


def unchanged(client: GraphClient, tokens: Mapping[K, str], now: datetime) -> dict[K, str | Throttled | None]:
    """For each mailbox, of `client.MOST_PARTS` at most, by its calendar's token: the token to go on from when nothing
    changed; Throttled when it wants no request; None when a run has to look, for whatever changed or is wrong.

    When the whole request is held back, every mailbox is.
    """
    found: dict[K, str | Throttled | None] = dict.fromkeys(tokens)
    anchors = {who: anchor for who, token in tokens.items() if (anchor := _open(token, client, now))}
    keys = {str(number): who for number, who in enumerate(anchors)}
    try:
        answers = client.batch({number: anchors[who].link for number, who in keys.items()}) if keys else {}
    except Throttled as error:
        return dict.fromkeys(tokens, error)
    except SyncError:
        return found
    return found | {keys[number]: _judged(answer, anchors[keys[number]]) for number, answer in answers.items()}


def _open(token: str, client: GraphClient, now: datetime) -> Anchor | None:
    try:
        anchor = Anchor.of(token, client)
    except TokenRejected:
        return None
    return None if anchor.is_half_used(now) else anchor


def _judged(answer: requests.Response, anchor: Anchor) -> str | Throttled | None:
    if answer.status_code != 200:
        error = error_of(answer)
        return error if isinstance(error, Throttled) else None
    try:
        page = schema.decode_page(answer.content)
    except msgspec.MsgspecError:
        return None
    if page.value or page.delta_link is None:
        return None
    return anchor.at(page.delta_link).token()
