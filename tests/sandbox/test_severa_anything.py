"""Whatever Severa is sent, it answers as its document says, and never fails."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.severa_client import Severa, severa

__all__ = ["severa"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_TIMES = st.sampled_from(
    (
        "2026-03-02T12:00:00+01:00",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "soon",
    )
)
_RECURRENCE = st.fixed_dictionaries(
    {"frequency": st.sampled_from(("Daily", "Weekly", "Monthly", "Yearly"))},
    optional={
        "pattern": st.fixed_dictionaries(
            {},
            optional={
                "daily": st.dictionaries(st.sampled_from(("interval", "everyWeekday")), st.integers(-1, 400) | _JSON),
                "weekly": st.dictionaries(st.sampled_from(("interval", "monday", "sunday")), st.booleans() | _JSON),
                "monthly": st.dictionaries(st.sampled_from(("interval", "dayOfMonth")), st.integers(0, 40) | _JSON),
                "yearly": st.dictionaries(
                    st.sampled_from(("month", "dayOfMonth", "dayOrdinal", "dayOrdinalOption")),
                    st.sampled_from(("February", "Last", "Day", "WeekDay", 30)),
                ),
            },
        ),
        "range": st.fixed_dictionaries(
            {},
            optional={
                "maxOccurrences": st.integers(0, 2**40),
                "recursUntilDate": st.sampled_from(("2026-01-01", "2026-05-01", "9999-12-31", None)),
            },
        ),
    },
)
_FIELDS = {
    **dict.fromkeys(("startDateTime", "endDateTime"), _TIMES | _JSON),
    **dict.fromkeys(("isAllDay", "hasDuration", "isClosed"), st.booleans() | _JSON),
    **dict.fromkeys(("name", "notes", "location", "customer", "phase", "activityType"), _JSON),
    "recurrence": _RECURRENCE | _JSON,
}
_BODIES = st.fixed_dictionaries({}, optional=_FIELDS)
_FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(fields=_BODIES)
@_FEW
def test_any_body_makes_an_activity_or_is_refused(severa: Severa, fields: dict[str, Any]) -> None:
    answer = severa.call("POST", "/v1/activities", severa.activity(**fields))
    assert answer.status_code in (201, 400), answer.text
    if answer.status_code == 201:
        assert severa.get(f"/v1/activities/{answer.json()['guid']}") == answer.json()
    assert severa.call("GET", "/v1/activities", startDateTime="2026-03-01T00:00:00Z").status_code == 200


@given(fields=_BODIES, op=st.sampled_from(("replace", "Replace", "remove")) | _JSON)
@_FEW
def test_any_patch_changes_an_activity_or_is_refused(severa: Severa, fields: dict[str, Any], op: object) -> None:
    made = severa.create()
    operations = [{"op": op, "path": f"/{name}", "value": value} for name, value in fields.items()]
    answer = severa.call("PATCH", f"/v1/activities/{made['guid']}", operations)
    assert answer.status_code in (200, 400), answer.text
    after = severa.get(f"/v1/activities/{made['guid']}")
    assert after == (answer.json()[0] if answer.status_code == 200 else made)


@given(
    guid=st.text(max_size=40), query=st.dictionaries(st.sampled_from(("pageToken", "rowCount", "userGuids")), st.text())
)
@_FEW
def test_any_guid_and_query_is_answered(severa: Severa, guid: str, query: dict[str, str]) -> None:
    path = "/v1/activities/" + "".join(f"%{byte:02X}" for byte in guid.encode())
    assert severa.http.get(severa.sandbox.severa + path, headers=severa.headers, timeout=30).status_code in (200, 404)
    assert severa.call("GET", "/v1/activities", **query).status_code in (200, 400)
