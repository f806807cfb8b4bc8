"""How the service behaves where documentation and observation differ, or where a test wants the rarer form."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Literal

import msgspec

from samklang.sandbox.store import Store


class GraphSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Kept as document ("settings", "graph"); set by PUT {control}/graph.

    deleted_occurrence: what `calendarView/delta` says when one date of a series was deleted: the series again without
    it (`resend`), nothing (`silent`, as observed in 2019), the series and `@removed` for the date (`removed`), or that
    alone: with the `seriesMasterId` (`removed_alone`) or with the `occurrenceId` for its id (`removed_by_name`).
    events_delta: whether `events/delta` is refused (as observed in 2024), gives id, type, start and end and refuses
    `$select` (`plain`, as documented of beta), or takes `$select=id` (`ids`, as a program of 2026 relies on).
    cancelled_told: what tells of the deleted dates of a series that is asked for by id. delta_lag_seconds: changes
    younger than this do not show yet. delta_traps: rounds of several pages hold an empty page and an event twice; of
    later rounds `odd` makes such ones, whatever changed, with stubs of a series and without its master.
    duplicate_transaction: the status of ErrorDuplicateTransactionId. retry_after: the form of that header on 429.
    notices: how change notifications arrive: each `once`, `twice`, the newest of several first (`reversed`), all there
    are for an address in one request, whatever their subscriptions and tenants (`together`), or never (`lost`).
    notice_states: an address that answers late or not at all gets them late, or loses them (`endpoints`).
    """

    deleted_occurrence: Literal["resend", "silent", "removed", "removed_alone", "removed_by_name"] = "resend"
    cancelled_told: tuple[Literal["cancelledOccurrences", "0x8216"], ...] = ("cancelledOccurrences", "0x8216")
    events_delta: Literal["unsupported", "plain", "ids"] = "unsupported"
    delta_lag_seconds: float = 0
    delta_traps: bool | Literal["odd"] = True
    duplicate_transaction: Literal[400, 409] = 409
    notices: Literal["once", "twice", "reversed", "together", "lost"] = "once"
    notice_states: bool = False
    existing_event_id: bool = True
    retry_after: Literal["seconds", "fractional", "date", "absent"] = "seconds"
    concurrent_requests: int = 4
    requests_per_10_minutes: int = 10_000
    latency_seconds: float = 0


def settings(store: Store) -> GraphSettings:
    return store.get("settings", "graph", GraphSettings) or GraphSettings()


def retry_after(form: str, seconds: float, now: datetime) -> dict[str, str]:
    """The header in one of the forms the service uses (Graph facts §5.2). `now`: the server's clock, as in Date."""
    if form == "absent":
        return {}
    if form == "date":
        return {"Retry-After": format_datetime(now + timedelta(seconds=seconds), usegmt=True)}
    if form == "fractional":
        return {"Retry-After": f"{seconds + 0.128:.3f}"}
    return {"Retry-After": str(max(1, round(seconds)))}
