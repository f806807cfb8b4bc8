"""How Severa behaves where no source tells (Severa facts, marked [?]), or where a test wants the rarer form."""

from __future__ import annotations

from typing import Literal

import msgspec

from samklang.sandbox.store import Store


class SeveraSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Kept as document ("settings", "severa"); set by PUT {control}/severa.

    requests_per_second: the quota of a client; 0: none. retry_after: whether 429 has that header (no client saw one).
    client_id_header: whether a call without `Client_Id` is refused. token_seconds, refresh_token_seconds: how long
    tokens live, in the machine's time. latency_seconds: how long every answer takes.

    offsets: times in answers with the offset of the owner's `zone`, as `utc` ("Z"), or as UTC without any (`none`).
    naive_times: what becomes of a time sent without an offset. notes: `plain` keeps texts as they are; with `html`
    they are HTML, whatever was sent. not_found_body: whether 404 has an error in its body.

    patch_ops: which spelling of `op` is understood. patch_values: `strings` refuses any other kind, as the document
    has it. fixed_fields: fields of an activity that PATCH refuses, by their names in the document.

    recurrence_exceptions: which dates of a series its `recurrence.exceptions` names. touched_by: what moves
    `lastUpdatedDateTime` of an activity besides its own fields: its `participants`; of a series its `exceptions`.
    occurrences_writable: whether one date of a series can be changed and deleted. exception_guid: whether an
    exception keeps the `same` guid as the occurrence it was. exceptions_follow: whether an edit of the series reaches
    the fields an exception has not changed. relaid_exceptions: what a new rule or time of a series does to its
    exceptions and deleted dates. short_months: what the days 29 to 31 mean in shorter months. horizon_days: how far
    ahead occurrences are listed where no end is asked for.

    owner_participates: whether the owner is among the participants. status_writable: whether a participant's status
    can be set by PATCH, and not `isConfirmed` alone. new_activity_mails: whom the API's writes mail, of those users
    whose `sendNewActivityEmail` is on.
    """

    requests_per_second: int = 10
    retry_after: bool = False
    client_id_header: Literal["required", "optional"] = "required"
    token_seconds: int = 3600
    refresh_token_seconds: int = 86_400
    latency_seconds: float = 0

    offsets: Literal["zone", "utc", "none"] = "zone"
    naive_times: Literal["refused", "utc"] = "refused"
    notes: Literal["plain", "html"] = "plain"
    not_found_body: bool = False

    patch_ops: Literal["any", "lower", "capital"] = "any"
    patch_values: Literal["any", "strings"] = "any"
    fixed_fields: list[str] = msgspec.field(default_factory=list)

    recurrence_exceptions: list[Literal["changed", "deleted"]] = msgspec.field(
        default_factory=lambda: ["changed", "deleted"]
    )
    touched_by: list[Literal["participants", "exceptions"]] = msgspec.field(default_factory=lambda: ["exceptions"])
    occurrences_writable: bool = True
    exception_guid: Literal["same", "new"] = "same"
    exceptions_follow: bool = False
    relaid_exceptions: Literal["kept", "reset"] = "kept"
    short_months: Literal["skipped", "last_day"] = "skipped"
    horizon_days: int = 730

    owner_participates: bool = False
    status_writable: bool = False
    new_activity_mails: Literal["nobody", "participants", "owner_and_participants"] = "owner_and_participants"


def settings(store: Store) -> SeveraSettings:
    return store.get("settings", "severa", SeveraSettings) or SeveraSettings()
