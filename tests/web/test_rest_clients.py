"""`/rest-api` with client credentials: tokens, scopes, the quota, and what an organization's own programs may do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from samklang.accounts import programs
from samklang.accounts.models import ApiClient, AuditEvent, Organization
from samklang.accounts.services import AccountError
from samklang.activities import services
from samklang.activities.models import Activity, ActivityType
from samklang.engine.model import Category
from samklang.web.severa_api import caller as calling
from samklang.web.severa_api.caller import MOST, SPAN, Quota
from tests.web.house import House, as_person, send, timed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers")]

V1 = "/rest-api/v1"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What the quota goes by: a second passes with every look at it, until a test says otherwise."""
    seconds = [0.0, SPAN]

    def now() -> float:
        seconds[0] += seconds[1]
        return seconds[0]

    monkeypatch.setattr(calling, "quota", Quota(now))
    yield seconds


def credentials(
    organization: Organization, scopes: Collection[str] = programs.SCOPES, *, sees_private: bool = False
) -> tuple[ApiClient, str]:
    return programs.make_client(organization, "Reporting", scopes, sees_private=sees_private)


def token_for(client: ApiClient, secret: str, **more: Any) -> Any:
    return send(Client(), "POST", f"{V1}/token", {"client_id": str(client.guid), "client_secret": secret, **more})


def with_token(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def program(organization: Organization, scopes: Collection[str] = programs.SCOPES, *, private: bool = False) -> Client:
    made = credentials(organization, scopes, sees_private=private)
    return with_token(token_for(*made).json()["access_token"])


@pytest.fixture
def reporting(house: House) -> Client:
    return program(house.alice.organization)


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_credentials_give_a_token_whatever_the_case_of_their_names(house: House) -> None:
    client, secret = credentials(house.alice.organization, ("users:read", "activities:read"))
    body = {"client_Id": str(client.guid).upper(), "client_Secret": secret}
    answer = send(Client(), "POST", f"{V1}/token", body)
    assert answer.status_code == 200
    given = answer.json()
    assert given["access_token_type"] == "Bearer"
    assert given["scope"] == "activities:read users:read"
    assert 3590 <= given["access_token_expires_in"] <= 3600
    assert datetime.fromisoformat(given["access_token_expires_utc"]) > timezone.now() + timedelta(minutes=55)
    assert send(with_token(given["access_token"]), "GET", "/rest-api/heartbeat/authorized").status_code == 204


@pytest.mark.parametrize(
    "scopes", ["users:read,activities:read", "users:read activities:read", "users:read, activities:read"]
)
def test_scopes_are_parted_by_commas_spaces_or_both(house: House, scopes: str) -> None:
    given = token_for(*credentials(house.alice.organization), scope=scopes).json()
    assert given["scope"] == "activities:read users:read"


def test_a_scope_that_was_not_granted_is_refused(house: House) -> None:
    answer = token_for(*credentials(house.alice.organization, ("users:read",)), scope="users:read activities:write")
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "InsufficientApiScope")


@pytest.mark.parametrize("wrong", ["secret", "client", "no client"])
def test_wrong_credentials_are_refused_alike(house: House, wrong: str) -> None:
    client, secret = credentials(house.alice.organization)
    body = {"client_id": str(client.guid), "client_secret": secret}
    body |= {"client_secret": "samk_cs_x"} if wrong == "secret" else {}
    body |= {"client_id": "x"} if wrong == "client" else {}
    body |= {"client_id": "0" * 32} if wrong == "no client" else {}
    answer = send(Client(), "POST", f"{V1}/token", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "AuthenticationRequired")


@pytest.mark.parametrize("body", [{}, {"client_id": "x"}, {"client_id": 1, "client_secret": "x"}, [], "x"])
def test_a_malformed_request_for_a_token_is_told_what_is_wrong(house: House, body: Any) -> None:
    assert send(Client(), "POST", f"{V1}/token", body).status_code == 400


def test_a_refresh_token_gives_new_tokens_once(house: House) -> None:
    first = token_for(*credentials(house.alice.organization, ("users:read",))).json()
    second = send(Client(), "POST", f"{V1}/refreshtoken", first["refresh_token"]).json()
    assert second["scope"] == "users:read"
    assert second["access_token"] != first["access_token"]
    assert send(with_token(second["access_token"]), "GET", f"{V1}/users").status_code == 200
    assert send(with_token(first["access_token"]), "GET", f"{V1}/users").status_code == 200, "until its time"
    assert send(Client(), "POST", f"{V1}/refreshtoken", first["refresh_token"]).status_code == 401


def test_who_signs_out_refreshes_no_longer_and_reads_until_the_tokens_time(house: House) -> None:
    given = token_for(*credentials(house.alice.organization)).json()
    assert send(Client(), "POST", f"{V1}/signout", given["refresh_token"]).status_code == 200
    assert send(Client(), "POST", f"{V1}/signout", given["refresh_token"]).status_code == 200, "twice is harmless"
    assert send(Client(), "POST", f"{V1}/refreshtoken", given["refresh_token"]).status_code == 401
    assert send(with_token(given["access_token"]), "GET", f"{V1}/users").status_code == 200


def test_tokens_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    given = token_for(*credentials(house.alice.organization)).json()
    later = timezone.now() + programs.ACCESS + timedelta(seconds=1)
    monkeypatch.setattr(programs, "real_now", lambda: later)
    assert send(with_token(given["access_token"]), "GET", f"{V1}/users").status_code == 401
    again = send(Client(), "POST", f"{V1}/refreshtoken", given["refresh_token"])
    assert again.status_code == 200
    assert programs.forget_old() == 0, "one is ended, but both may still be asked about"
    monkeypatch.setattr(programs, "real_now", lambda: later + programs.REFRESH + timedelta(seconds=1))
    assert send(Client(), "POST", f"{V1}/refreshtoken", again.json()["refresh_token"]).status_code == 401
    assert programs.forget_old() == 2


def test_revoked_credentials_and_all_their_tokens_stop_at_once(house: House) -> None:
    client, secret = credentials(house.alice.organization)
    given = token_for(client, secret).json()
    programs.revoke_client(client, by=house.alice)
    assert token_for(client, secret).status_code == 401
    assert send(with_token(given["access_token"]), "GET", f"{V1}/users").status_code == 401
    assert send(Client(), "POST", f"{V1}/refreshtoken", given["refresh_token"]).status_code == 401
    acts = AuditEvent.objects.filter(subject=str(client.guid)).values_list("action", flat=True)
    assert list(acts.order_by("pk")) == ["client.make", "client.revoke"]


def test_neither_secrets_nor_tokens_are_stored(house: House) -> None:
    client, secret = credentials(house.alice.organization)
    given = token_for(client, secret).json()
    held = repr([*ApiClient.objects.values(), *client.grants.values()])
    for one in (secret, given["access_token"], given["refresh_token"]):
        assert one not in held


@pytest.mark.parametrize(
    ("name", "scopes", "code"),
    [(" ", ("users:read",), "name_missing"), ("x", (), "scopes_missing"), ("x", ("users:write",), "scope_unknown")],
)
def test_credentials_want_a_name_and_scopes_there_are(
    house: House, name: str, scopes: tuple[str, ...], code: str
) -> None:
    with pytest.raises(AccountError) as refused:
        programs.make_client(house.alice.organization, name, scopes)
    assert refused.value.code == code


# --- what it may ----------------------------------------------------------------------------------------------------


def _requests(house: House) -> list[tuple[str, str, str, Any]]:
    type_ = str(house.meeting.type.guid)
    participant = str(house.meeting.participants.get().guid)
    whole, person = f"{V1}/activities/{house.meeting.psa_id}", f"{V1}/activityparticipants"
    rename = [{"op": "replace", "path": "/name", "value": "Another"}]
    confirm = [{"op": "replace", "path": "/isConfirmed", "value": "true"}]
    new = {
        "name": "x",
        "startDateTime": "2026-03-03T09:00:00Z",
        "activityType": {"guid": type_},
        "ownerUser": {"guid": house.alice.psa_id},
    }
    return [
        ("activities:read", "GET", f"{V1}/activities", None),
        ("activities:read", "GET", whole, None),
        ("activities:read", "GET", f"{whole}/activityparticipants", None),
        ("activities:read", "GET", f"{person}/{participant}", None),
        ("activities:write", "POST", f"{V1}/activities", new),
        ("activities:write", "PATCH", whole, rename),
        ("activities:write", "PATCH", f"{person}/{participant}", confirm),
        ("activities:delete", "DELETE", f"{whole}/activityparticipants/{participant}", None),
        ("activities:delete", "DELETE", f"{V1}/activities/{house.series.psa_id}/exceptions", None),
        ("activities:delete", "DELETE", whole, None),
        ("users:read", "GET", f"{V1}/users", None),
        ("users:read", "GET", f"{V1}/users/{house.bob.psa_id}", None),
        ("settings:read", "GET", f"{V1}/activitytypes", None),
        ("settings:read", "GET", f"{V1}/activitytypes/{type_}", None),
        ("settings:read", "GET", f"{V1}/localization/timezones", None),
        ("settings:write", "PATCH", f"{V1}/activitytypes/{type_}", rename),
        ("settings:write", "POST", f"{V1}/activitytypes", {"name": "Workshop", "category": "CalendarEntry"}),
        ("organization:read", "GET", f"{V1}/organizationdetails", None),
        ("organization:read", "GET", f"{V1}/organizationsettings", None),
        ("organization:write", "PATCH", f"{V1}/organizationdetails", rename),
    ]  # fmt: skip


def test_each_request_wants_its_scope_and_no_other(house: House) -> None:
    organization = house.alice.organization
    for scope, method, address, body in _requests(house):
        others = [one for one in programs.SCOPES if one != scope]
        refused = send(program(organization, others), method, address, body)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "InsufficientApiScope"), address
        assert send(program(organization, [scope]), method, address, body).status_code in (200, 201, 204), address


def test_a_program_works_in_everybodys_calendar_on_nobodys_behalf(house: House, reporting: Client) -> None:
    address = f"{V1}/activities/{house.meeting.psa_id}"
    read = send(reporting, "GET", address).json()
    assert (read["name"], read["ownerUser"]["guid"]) == ("Merger talks", house.alice.psa_id)
    (changed,) = send(reporting, "PATCH", address, [{"op": "replace", "path": "/name", "value": "Talks"}]).json()
    assert (changed["name"], changed["createdBy"]["guid"], changed["lastUpdatedBy"]) == (
        "Talks",
        house.alice.psa_id,
        None,
    )


def test_a_program_knows_nothing_of_another_organization(house: House) -> None:
    theirs = program(house.charlie.organization, private=True)
    assert [one["name"] for one in send(theirs, "GET", f"{V1}/activities").json()] == ["Charlie's own"]
    assert send(theirs, "GET", f"{V1}/activities/{house.meeting.psa_id}").status_code == 404
    assert send(theirs, "DELETE", f"{V1}/activities/{house.meeting.psa_id}").status_code == 404


@pytest.mark.parametrize("private", [False, True])
def test_private_entries_a_program_sees_only_if_that_was_said(house: House, private: bool) -> None:
    hidden = ActivityType.objects.of(house.alice.organization).get(name="Private")
    made = services.create(house.alice, name="Doctor", when=timed(5), notes="Test results", type=hidden)
    client = program(house.alice.organization, private=private)
    address = f"{V1}/activities/{made.psa_id}"
    read = send(client, "GET", address).json()
    assert ("Doctor" in str(read), "Test results" in str(read)) == (private, private)
    assert (send(client, "GET", f"{V1}/activities", activityCategories="Personal").json() != []) is private
    patched = send(client, "PATCH", address, [{"op": "replace", "path": "/name", "value": "Dentist"}])
    assert patched.status_code == (200 if private else 403)
    assert send(client, "DELETE", address).status_code == (204 if private else 403)


def test_what_a_program_makes_is_its_owners_in_his_zone_and_his_calendar_is_due(
    house: House, reporting: Client
) -> None:
    house.bob.zone = "America/New_York"
    house.bob.save(update_fields=["zone"])
    type_ = {"guid": str(house.meeting.type.guid)}
    body = {"name": "Visit", "startDateTime": "2026-03-10T09:00:00Z", "endDateTime": "2026-03-10T10:00:00Z"}
    body |= {"activityType": type_, "ownerUser": {"guid": house.bob.psa_id}}  # type: ignore[dict-item]
    made = send(reporting, "POST", f"{V1}/activities", body)
    assert made.status_code == 201
    assert made.json()["startDateTime"] == "2026-03-10T05:00:00-04:00"
    kept = Activity.objects.get(guid=made.json()["guid"])
    assert (kept.owner, kept.created_by, kept.zone) == (house.bob, None, "America/New_York")


# --- the quota ------------------------------------------------------------------------------------------------------


def test_ten_requests_a_second_and_the_next_is_told_so(house: House, reporting: Client, clock: list[float]) -> None:
    clock[1] = 0.01
    answers = [send(reporting, "GET", "/rest-api/heartbeat/authorized").status_code for _ in range(MOST + 2)]
    assert answers == [204] * MOST + [429] * 2
    refused = send(reporting, "GET", f"{V1}/users")
    assert refused.json()["error"]["details"][0]["message"] == "API calls quota exceeded! maximum admitted 10 per 1s."
    other = program(house.alice.organization)
    assert send(other, "GET", f"{V1}/users").status_code == 200, "each client has its own"
    clock[0] += SPAN
    assert send(reporting, "GET", f"{V1}/users").status_code == 200


def test_in_no_second_are_more_than_ten_let_through() -> None:
    moments = [0.0]
    quota, client = Quota(lambda: moments[0]), programs.UUID(int=1)
    passed = []
    for step in range(400):
        moments[0] = step * 0.037
        if quota.take(client):
            passed.append(moments[0])
    assert len(passed) > 100
    for begin in passed:
        assert sum(begin <= one < begin + SPAN for one in passed) <= MOST


# --- the rest of the document ---------------------------------------------------------------------------------------


def test_several_ids_are_patched_each_for_itself(house: House, reporting: Client) -> None:
    unknown = "00000000-0000-0000-0000-00000000000a"
    ids = f"{house.meeting.psa_id},{unknown},{house.series.psa_id}"
    body = [{"op": "replace", "path": "/location", "value": "Attic"}]
    answer = send(reporting, "PATCH", f"{V1}/activities/{ids}", body)
    assert answer.status_code == 200
    assert [one["location"] for one in answer.json()["succeeded"]] == ["Attic", "Attic"]
    (error,) = answer.json()["errors"]
    assert error["error"]["httpStatusCode"] == 404
    assert error["error"]["details"][0]["location"]["identifier"] == unknown


def test_what_cannot_be_changed_is_refused_by_name(house: House, reporting: Client) -> None:
    for path in ("/customer/guid", "/createdDateTime", "/nonsense"):
        body = [{"op": "replace", "path": path, "value": "x"}]
        answer = send(reporting, "PATCH", f"{V1}/activities/{house.meeting.psa_id}", body)
        assert answer.status_code == 400
        assert path.split("/")[1] in answer.json()["error"]["details"][0]["message"]


def test_both_spellings_of_the_version_answer(house: House, reporting: Client) -> None:
    address = f"/rest-api/v1.0/activities/{house.meeting.psa_id}"
    assert send(reporting, "GET", address).json()["guid"] == house.meeting.psa_id


def test_a_type_in_use_is_deleted_once_another_takes_its_place(house: House, reporting: Client) -> None:
    old, organization = house.meeting.type, house.alice.organization
    heir = ActivityType.objects.create(organization=organization, name="Workshop", category=Category.CALENDAR_ENTRY)
    other = ActivityType.objects.of(organization).get(category=Category.TO_DO)
    address = f"{V1}/activitytypes/{old.guid}"
    assert send(reporting, "DELETE", address).status_code == 400
    assert send(reporting, "DELETE", f"{address}?moveUsagesToGuid={other.guid}").status_code == 400
    assert send(reporting, "DELETE", f"{address}?moveUsagesToGuid={heir.guid}").status_code == 204
    read = send(reporting, "GET", f"{V1}/activities/{house.meeting.psa_id}").json()
    assert read["activityType"]["name"] == "Workshop"
    assert send(reporting, "GET", address).status_code == 404


def test_lists_follow_what_changed(house: House, reporting: Client) -> None:
    since = timezone.now().isoformat()
    as_person(house.bob).get("/profile")
    assert send(reporting, "GET", f"{V1}/users", changedSince=since).json() == [], "to sign in changes nothing"
    assert send(reporting, "GET", f"{V1}/activitytypes", changedSince=since).json() == []
    house.bob.name = "Bob Dal"
    house.bob.save(update_fields=["name"])
    house.meeting.type.save()
    assert [one["email"] for one in send(reporting, "GET", f"{V1}/users", changedSince=since).json()] == [
        house.bob.email
    ]
    names = [one["name"] for one in send(reporting, "GET", f"{V1}/activitytypes", changedSince=since).json()]
    assert names == [house.meeting.type.name]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"hasDuration": "false"}, {"To do"}),
        ({"hasHours": "true"}, {"Billed"}),
        ({"isUnassigned": "true"}, {"Somebody"}),
        ({"closed": "true"}, {"Done"}),
        ({"includeTasksWithNoCustomer": "false"}, {"For Acme"}),
        ({"customerGuids": "00000000-0000-0000-0000-000000000001", "includeTasksWithNoCustomer": "false"}, set()),
        ({"phaseGuids": "x"}, set()),
        ({"recurrenceType": "Series"}, {"Weekly coffee"}),
    ],
)
def test_the_list_knows_severas_filters(
    house: House, reporting: Client, query: dict[str, str], names: set[str]
) -> None:
    by = house.alice
    for name, more in (
        ("To do", {"has_duration": False}),
        ("Billed", {"has_hours": True}),
        ("Somebody", {"unassigned": True}),
        ("Done", {"closed": True}),
        ("For Acme", {"customer": "Acme"}),
    ):
        services.create(by, name=name, when=timed(8), **more)  # type: ignore[arg-type]
    found = send(reporting, "GET", f"{V1}/activities", rowCount=100, **query).json()
    assert {one["name"] for one in found} == names


def test_a_strict_span_holds_what_is_wholly_in_it(house: House, reporting: Client) -> None:
    span = {"startDateTime": "2026-03-02T09:30:00+01:00", "endDateTime": "2026-03-02T23:59:59+01:00"}
    names = {one["name"] for one in send(reporting, "GET", f"{V1}/activities", **span).json()}
    assert names == {"Merger talks", "Weekly coffee"}
    strictly = send(reporting, "GET", f"{V1}/activities", useStrictStartAndEndDateTime="true", **span).json()
    assert {one["name"] for one in strictly} == {"Weekly coffee"}


def test_what_comes_in_between_two_pages_moves_nothing(house: House, reporting: Client) -> None:
    first = send(reporting, "GET", f"{V1}/activities", rowCount=4)
    services.create(house.alice, name="Late", when=timed(-200))
    services.trash(house.alice, house.meeting.guid)
    token, rest = first.headers["NextPageToken"], []
    while token:
        answer = send(reporting, "GET", f"{V1}/activities", rowCount=4, pageToken=token)
        rest += [one["guid"] for one in answer.json()]
        token = answer.headers.get("NextPageToken")
    seen = [one["guid"] for one in first.json()] + rest
    assert len(seen) == len(set(seen)) == 8, "the meeting, the six of the series, and the late one"


# --- the page -------------------------------------------------------------------------------------------------------

PAGE = "/settings/integrations/rest-api"


def test_an_administrator_makes_credentials_sees_the_secret_once_and_revokes_them(house: House) -> None:
    browser = as_person(house.alice)
    form = {"name": "Reporting", "contact": "Bob Dahl", "scopes": ["activities:read", "users:read"]}
    shown = browser.post(PAGE, form).content.decode()
    client = ApiClient.objects.get()
    (secret,) = re.findall(r"samk_cs_[\w-]+", shown)
    assert (client.name, client.contact, client.scopes, client.sees_private, client.made_by) == (
        "Reporting",
        "Bob Dahl",
        ["activities:read", "users:read"],
        False,
        house.alice,
    )
    assert token_for(client, secret).status_code == 200
    again = browser.get(PAGE).content.decode()
    assert str(client.guid) in again
    assert secret not in again
    assert browser.post(f"{PAGE}/revoke", {"client": client.pk}).status_code == 302
    assert token_for(client, secret).status_code == 401
    assert str(client.guid) not in browser.get(PAGE).content.decode()


def test_credentials_without_a_scope_are_not_made_and_the_page_says_why(house: House) -> None:
    answer = as_person(house.alice).post(PAGE, {"name": "Reporting"})
    assert answer.status_code == 422
    assert "no-scope" in answer.content.decode()
    assert not ApiClient.objects.exists()


def test_everybodys_profile_says_that_a_program_can_read_private_entries(house: House) -> None:
    assert "Reporting" not in as_person(house.bob).get("/profile").content.decode()
    credentials(house.alice.organization, sees_private=True)
    assert "Reporting" in as_person(house.bob).get("/profile").content.decode()
    assert "Reporting" not in as_person(house.charlie).get("/profile").content.decode()
