"""The sandbox's EWS on the wire: versions, faults, batches and the shapes of errors (EWS facts §2)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from lxml import etree

from tests.sandbox.oracles import ALICE, PASSWORD, USER
from tests.sandbox.wire import CALENDAR, IDS_ONLY, NAMES, Wire
from tests.sandbox_client import Sandbox

PLAN = "<t:Subject>Plan</t:Subject><t:Start>2026-03-02T08:00:00Z</t:Start><t:End>2026-03-02T09:00:00Z</t:End>"
NEW = ("item:Subject", "<t:Subject>New</t:Subject>")


@pytest.fixture
def wire(exchange: Sandbox) -> Wire:
    return Wire(exchange)


def many(count: int) -> str:
    """A calendar of so many short entries, one a minute."""
    minutes = (datetime(2026, 1, 1) + timedelta(minutes=n) for n in range(count))  # noqa: DTZ001 (written as UTC below)
    stamps = [f"{minute:%Y%m%dT%H%M%SZ}" for minute in minutes]
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:u{n}\r\nSUMMARY:E\r\nDTSTART:{s}\r\nDTEND:{s}\r\nEND:VEVENT\r\n"
        for n, s in enumerate(stamps)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n"


def with_schemas(sandbox: Sandbox) -> None:
    Wire(sandbox).sync()
    if not sandbox.validation()["requests_checked"]:
        pytest.skip("The official schemas are not at hand; SAMKLANG_SCHEMAS says where they are.")


# --- log-on
def test_each_method_has_its_own_challenge(exchange: Sandbox) -> None:
    answer = requests.post(exchange.ews, verify=exchange.ca_file, timeout=10)
    assert answer.status_code == 401
    assert answer.raw.headers.getlist("WWW-Authenticate") == ["NTLM", f'Basic realm="{exchange.ews.split("/")[2]}"']
    exchange.server(auth=("ntlm",))
    refused = requests.post(exchange.ews, verify=exchange.ca_file, auth=(USER, PASSWORD), timeout=10)
    assert refused.status_code == 401


def test_the_path_may_be_written_in_any_case(wire: Wire, exchange: Sandbox) -> None:
    url = exchange.ews.replace("/EWS/Exchange.asmx", "/ews/exchange.asmx")
    assert wire.send(
        f"<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>"
        f"{CALENDAR}</m:FolderIds></m:GetFolder>",
        url=url,
    ).codes == ["NoError"]


# --- versions
def test_the_header_says_who_answers_and_a_fault_does_not(wire: Wire, exchange: Sandbox) -> None:
    exchange.server(version="se")
    assert wire.sync().text("//t:ServerVersionInfo/@Version") == "V2017_07_11"
    exchange.server(version="2010_sp2")
    refused = wire.sync()
    assert (refused.status, refused.codes) == (500, ["ErrorInvalidServerVersion"])
    assert refused.all("//t:ServerVersionInfo") == []


@pytest.mark.parametrize("version", ["Exchange2019", "V2018_01_08", "nonsense"])
def test_a_version_nobody_knows_is_an_invalid_request(exchange: Sandbox, version: str) -> None:
    assert Wire(exchange, version).sync().codes == ["ErrorInvalidRequest"]


def test_without_a_version_the_oldest_schema_is_meant(exchange: Sandbox) -> None:
    read = Wire(exchange, None)
    made = read.create(PLAN + '<t:MeetingTimeZone TimeZoneName="W. Europe Standard Time"/>')
    assert made.codes == ["NoError"]
    assert exchange.entries(ALICE)[0]["zone"] == "W. Europe Standard Time"


def test_a_request_against_the_schema_says_where(wire: Wire, exchange: Sandbox) -> None:
    with_schemas(exchange)
    bad = wire.create("<t:Start>2026-03-02T08:00:00Z</t:Start><t:Subject>late</t:Subject>")
    assert (bad.status, bad.codes) == (500, ["ErrorSchemaValidation"])
    assert {e.get("Name") for e in bad.all("//t:MessageXml/t:Value")} == {"LineNumber", "LinePosition", "Violation"}
    assert exchange.counts(ALICE)["writes"]["create"] == 0


def test_a_newer_element_asks_for_a_newer_version(exchange: Sandbox) -> None:
    with_schemas(exchange)
    shape = IDS_ONLY.replace(
        "</m:ItemShape>",
        '<t:AdditionalProperties><t:FieldURI FieldURI="calendar:IsOrganizer"/></t:AdditionalProperties></m:ItemShape>',
    )
    assert Wire(exchange, "Exchange2010").sync(shape=shape).codes == ["ErrorIncorrectSchemaVersion"]
    assert Wire(exchange, "Exchange2013_SP1").sync(shape=shape).codes == ["NoError"]


# --- who
@pytest.mark.parametrize(
    ("address", "code"),
    [("", "ErrorInvalidExchangeImpersonationHeaderData"), ("x@example.com", "ErrorNonExistentMailbox")],
)
def test_impersonating_nobody_is_a_fault(wire: Wire, exchange: Sandbox, address: str, code: str) -> None:
    answer = wire.send(
        f"<m:GetItem>{IDS_ONLY}<m:ItemIds><t:ItemId Id='AAMk'/></m:ItemIds></m:GetItem>", address=address or " "
    )
    assert (answer.status, answer.codes) == (500, [code])


def test_an_account_without_mailbox_must_name_one(wire: Wire) -> None:
    body = f"<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>{CALENDAR}"
    assert wire.send(body + "</m:FolderIds></m:GetFolder>", address=None).codes == ["ErrorMissingEmailAddress"]


def test_a_disabled_mailbox_is_closed(wire: Wire, exchange: Sandbox) -> None:
    exchange.change_mailbox(ALICE, enabled=False)
    assert wire.sync().codes == ["ErrorAccountDisabled"]


def test_an_item_of_another_mailbox_is_not_found(wire: Wire, exchange: Sandbox) -> None:
    exchange.mailbox("bob@example.com")
    other = exchange.person_creates("bob@example.com", subject="x", start="2026-03-02T08:00", end="2026-03-02T09:00")
    assert wire.get(other["id"]).codes == ["ErrorItemNotFound"]
    assert wire.get("nonsense").codes == ["ErrorInvalidIdMalformed"]


# --- batches and change keys
def test_one_bad_item_does_not_stop_the_others(wire: Wire) -> None:
    backwards = PLAN.replace("T09:00:00Z", "T07:00:00Z")
    answer = wire.create(PLAN, backwards, PLAN)
    assert (answer.status, answer.codes) == (200, ["NoError", "ErrorCalendarEndDateIsEarlierThanStartDate", "NoError"])
    assert len(answer.ids) == 2


def test_a_write_needs_the_current_change_key(wire: Wire) -> None:
    ((id, key),) = wire.create(PLAN).ids
    assert wire.update(id, None, NEW, how="AlwaysOverwrite").codes == ["ErrorChangeKeyRequiredForWriteOperations"]
    assert wire.update(id, "%%", NEW).codes == ["ErrorInvalidChangeKey"]
    assert wire.update(id, key, NEW).codes == ["NoError"]
    assert wire.update(id, key, NEW).codes == ["ErrorIrresolvableConflict"]


def test_a_conflict_resolved_by_the_server_keeps_the_stored_sensitivity(wire: Wire, exchange: Sandbox) -> None:
    ((id, key),) = wire.create(PLAN).ids
    exchange.person_edits(ALICE, id, sensitivity="private")
    personal = ("item:Sensitivity", "<t:Sensitivity>Personal</t:Sensitivity>")
    answer = wire.update(id, key, NEW, personal, how="AutoResolve")
    assert (answer.codes, answer.text("//t:Count")) == (["NoError"], "1")
    stored = exchange.entry(ALICE, id)
    assert (stored["subject"], stored["sensitivity"]) == ("New", "private")


def test_a_calendar_item_says_who_is_mailed(wire: Wire) -> None:
    assert wire.create(PLAN, send=None).codes == ["ErrorSendMeetingInvitationsRequired"]


def test_one_property_per_set_and_the_named_one(wire: Wire) -> None:
    ((id, key),) = wire.create(PLAN).ids
    wrong = ("item:Subject", "<t:Location>here</t:Location>")
    assert wire.update(id, key, wrong).codes == ["ErrorUpdatePropertyMismatch"]
    read_only = ("calendar:IsMeeting", "<t:IsMeeting>true</t:IsMeeting>")
    assert wire.update(id, key, read_only).codes == ["ErrorInvalidPropertySet"]


def test_an_attendee_cannot_name_the_people(wire: Wire, exchange: Sandbox) -> None:
    invitation = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:m1\r\nSUMMARY:Theirs\r\n"
        "ORGANIZER:mailto:boss@example.com\r\nATTENDEE:mailto:alice@example.com\r\n"
        "DTSTART:20260302T080000Z\r\nDTEND:20260302T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    exchange.load_ics(ALICE, invitation)
    ((id, key),) = wire.sync().ids
    read = wire.get(id)
    assert (read.text("//t:AppointmentState"), read.text("//t:IsOrganizer")) == ("3", "false")
    person = "<t:Attendee><t:Mailbox><t:EmailAddress>x@example.com</t:EmailAddress></t:Mailbox></t:Attendee>"
    people = ("calendar:RequiredAttendees", f"<t:RequiredAttendees>{person}</t:RequiredAttendees>")
    assert wire.update(id, key, people).codes == ["ErrorInvalidPropertySet"]
    assert wire.update(id, key, ("item:Categories", "<t:Categories><t:String>A</t:String></t:Categories>")).codes == [
        "NoError"
    ]


# --- time
def test_the_zone_of_a_new_entry_is_its_own_then_the_requests_then_utc(wire: Wire, exchange: Sandbox) -> None:
    context = '<t:TimeZoneContext><t:TimeZoneDefinition Id="GMT Standard Time"/></t:TimeZoneContext>'
    wire.create(PLAN + '<t:StartTimeZone Id="W. Europe Standard Time"/>', header=context)
    wire.create(PLAN, header=context)
    wire.create(PLAN)
    assert [entry["zone"] for entry in exchange.entries(ALICE)] == [
        "W. Europe Standard Time",
        "GMT Standard Time",
        "UTC",
    ]


def test_for_2007_the_context_sets_no_zone(exchange: Sandbox) -> None:
    context = '<t:TimeZoneContext><t:TimeZoneDefinition Id="GMT Standard Time"/></t:TimeZoneContext>'
    Wire(exchange, "Exchange2007_SP1").create(PLAN, header=context)
    assert exchange.entries(ALICE)[0]["zone"] == "UTC"


@pytest.mark.parametrize("missing", [True, False], ids=["without its zone", "with its zone"])
def test_for_2007_a_rule_written_without_its_zone_is_one_in_utc(exchange: Sandbox, missing: bool) -> None:
    wire = Wire(exchange, "Exchange2007_SP1")
    zone = '<t:MeetingTimeZone TimeZoneName="W. Europe Standard Time"/>'
    ((id, key),) = wire.create(PLAN + zone).ids
    rule = (
        "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>"
        "<t:StartDate>2026-03-02</t:StartDate><t:NumberOfOccurrences>40</t:NumberOfOccurrences></t:NumberedRecurrence>"
        "</t:Recurrence>"
    )
    fields = [("calendar:Recurrence", rule), *([] if missing else [("calendar:MeetingTimeZone", zone)])]
    assert wire.update(id, key, *fields).codes == ["NoError"]
    assert exchange.entry(ALICE, id)["start"] == "2026-03-02T08:00:00Z"
    shown = exchange.entries(ALICE, expand=("2026-03-28", "2026-03-30"))
    assert [each["start"][11:16] for each in shown] == ["08:00", "08:00" if missing else "07:00"]


def test_a_zone_alone_moves_the_entry(wire: Wire, exchange: Sandbox) -> None:
    ((id, key),) = wire.create(PLAN + '<t:StartTimeZone Id="W. Europe Standard Time"/>').ids
    zone = ("calendar:StartTimeZone", '<t:StartTimeZone Id="GMT Standard Time"/>')
    end_zone = ("calendar:EndTimeZone", '<t:EndTimeZone Id="GMT Standard Time"/>')
    assert wire.update(id, key, zone, end_zone).codes == ["NoError"]
    stored = exchange.entry(ALICE, id)
    assert (stored["start"], stored["end"]) == ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z")


def test_an_all_day_entry_is_pushed_to_the_midnights_of_its_zone(wire: Wire, exchange: Sandbox) -> None:
    whole = PLAN.replace("</t:End>", "</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent>")
    wire.create(whole + '<t:StartTimeZone Id="W. Europe Standard Time"/>')
    wire.create(whole)
    assert [(entry["start"], entry["end"]) for entry in exchange.entries(ALICE)] == [
        ("2026-03-01T23:00:00Z", "2026-03-02T23:00:00Z"),
        ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"),
    ]


@pytest.mark.parametrize("name", ["Mars Standard Time", "Europe/Stockholm", "Etc/UTC", "tzone://Microsoft/Utc", ""])
def test_a_zone_windows_does_not_know_is_refused(wire: Wire, exchange: Sandbox, name: str) -> None:
    refused = ["ErrorCalendarInvalidTimeZone"]
    assert wire.create(f'{PLAN}<t:StartTimeZone Id="{name}"/>').codes == refused
    ((id, key),) = wire.create(PLAN).ids
    assert wire.update(id, key, ("calendar:EndTimeZone", f'<t:EndTimeZone Id="{name}"/>')).codes == refused
    old = Wire(exchange, "Exchange2007_SP1")
    assert old.create(f'{PLAN}<t:MeetingTimeZone TimeZoneName="{name}"/>').codes == refused


def test_windows_own_names_are_known_in_any_case(wire: Wire, exchange: Sandbox) -> None:
    wire.create(PLAN + '<t:StartTimeZone Id="w. europe standard time"/>')
    assert exchange.entries(ALICE)[0]["zone"] == "W. Europe Standard Time"


def test_fractions_of_seconds_show_when_asked_for_and_on_some_servers_always(wire: Wire, exchange: Sandbox) -> None:
    ((id, _),) = wire.create(PLAN.replace("T08:00:00Z", "T08:00:00.123Z")).ids
    assert wire.get(id).text("//t:Start") == "2026-03-02T08:00:00Z"
    precise = "<t:DateTimePrecision>Milliseconds</t:DateTimePrecision>"
    assert wire.get(id, header=precise).text("//t:Start") == "2026-03-02T08:00:00.123Z"
    exchange.server(milliseconds=True)
    assert wire.get(id).text("//t:Start") == "2026-03-02T08:00:00.123Z"


def test_what_a_calendar_cannot_hold_is_refused_by_name(wire: Wire) -> None:
    long = PLAN.replace("Plan", "x" * 256)
    early = PLAN.replace("2026-", "1600-")
    years = PLAN.replace("2026-03-02T09", "2032-03-02T09")
    assert wire.create(long, early, years).codes == [
        *("ErrorPropertyValidationFailure", "ErrorCalendarOutOfRange", "ErrorCalendarDurationIsTooLong")
    ]


def test_the_answer_is_dated_by_the_servers_clock(wire: Wire, exchange: Sandbox) -> None:
    exchange.set_clock("2014-01-02T12:00:00Z", running=False)
    assert wire.sync().http.headers["Date"] == "Thu, 02 Jan 2014 12:00:00 GMT"
    ((id, _),) = wire.create(PLAN).ids
    assert wire.get(id).text("//t:LastModifiedTime") == "2014-01-02T12:00:00Z"


# --- sync
def test_pages_of_changes_join_without_gap_or_repeat(wire: Wire) -> None:
    made = [id for id, _ in wire.create(*[PLAN] * 7).ids]
    state, found, last = None, [], "false"
    while last == "false":
        page = wire.sync(state, page=3)
        state, last = page.text("//m:SyncState"), page.text("//m:IncludesLastItemInRange") or ""
        found += [id for id, _ in page.ids]
    assert found == made
    assert wire.sync(state).ids == []


def test_what_changes_between_two_pages_is_still_new_to_the_client(wire: Wire) -> None:
    first, second, third = (id for id, _ in wire.create(PLAN, PLAN, PLAN).ids)
    page = wire.sync(page=1)
    wire.delete(first)
    wire.sandbox.person_edits(ALICE, second, subject="New")
    rest = wire.sync(page.text("//m:SyncState"))
    kinds = [
        (e.tag.rpartition("}")[2], e.xpath(".//t:ItemId/@Id", namespaces=NAMES)[0]) for e in rest.all("//m:Changes/*")
    ]
    assert kinds == [("Create", third), ("Delete", first), ("Create", second)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mirror_kept_by_syncing_equals_the_folder(wire: Wire, exchange: Sandbox, seed: int) -> None:
    chance, mirror, state = random.Random(seed), dict[str, str](), None
    live = [id for id, _ in wire.create(*[PLAN] * 6).ids]
    for _ in range(40):
        for _ in range(chance.randrange(3)):
            act = chance.choice(("create", "edit", "edit", "delete"))
            if act == "create":
                live += [id for id, _ in wire.create(PLAN).ids]
            elif live and act == "edit":
                exchange.person_edits(ALICE, chance.choice(live), subject=str(chance.random()))
            elif live:
                wire.delete(live.pop(chance.randrange(len(live))))
        state, _ = follow(wire, state, chance.randrange(1, 4), mirror)
    last = False
    while not last:
        state, last = follow(wire, state, 3, mirror)
    assert mirror == {entry["id"]: entry["change_key"] for entry in exchange.entries(ALICE)}
    assert set(mirror) == set(live)


def follow(wire: Wire, state: str | None, page: int, mirror: dict[str, str]) -> tuple[str | None, bool]:
    """Applies one page to a client's mirror; an update is of something the client has."""
    answer = wire.sync(state, page=page)
    for change in answer.all("//m:Changes/*"):
        (id,) = change.xpath(".//t:ItemId", namespaces=NAMES)
        kind = change.tag.rpartition("}")[2]
        if kind == "Delete":
            mirror.pop(id.get("Id"), None)
        else:
            assert kind == "Create" or id.get("Id") in mirror
            mirror[id.get("Id")] = id.get("ChangeKey")
    return answer.text("//m:SyncState"), answer.text("//m:IncludesLastItemInRange") == "true"


def test_a_state_belongs_to_its_folder(wire: Wire) -> None:
    state = wire.sync().text("//m:SyncState")
    other = wire.sync(state, folder='<t:DistinguishedFolderId Id="deleteditems"/>')
    assert (other.codes, other.text("//m:SyncState")) == (["ErrorInvalidSyncStateData"], None)
    assert other.text("//m:IncludesLastItemInRange") == "true"
    assert wire.sync(str(state)[:-4]).codes == ["ErrorInvalidSyncStateData"]


def test_a_moved_item_leaves_under_its_old_id_and_lives_under_a_new_one(wire: Wire) -> None:
    ((id, _),) = wire.create(PLAN).ids
    state = wire.sync().text("//m:SyncState")
    assert wire.delete(id, "MoveToDeletedItems").codes == ["NoError"]
    assert wire.get(id).codes == ["ErrorItemNotFound"]
    assert [e.tag.rpartition("}")[2] for e in wire.sync(state).all("//m:Changes/*")] == ["Delete"]
    ((trashed, _),) = wire.sync(folder='<t:DistinguishedFolderId Id="deleteditems"/>').ids
    assert trashed != id
    back = wire.send(
        f"<m:MoveItem><m:ToFolderId>{CALENDAR}</m:ToFolderId><m:ItemIds><t:ItemId Id='{trashed}'/></m:ItemIds>"
        "</m:MoveItem>"
    )
    assert back.codes == ["NoError"]
    assert [e.tag.rpartition("}")[2] for e in wire.sync(state).all("//m:Changes/*")] == ["Delete", "Create"]


@pytest.mark.parametrize(
    ("server", "version", "codes", "entries"),
    [
        ("2007_sp1", "Exchange2007_SP1", ["NoError"], 1100),
        ("2010_sp2", "Exchange2010", ["ErrorServerBusy"], 0),
        ("2010_sp2", "Exchange2010_SP2", ["NoError"], 1000),
        ("2013_sp1", "Exchange2013_SP1", ["NoError"], 1000),
    ],
)
def test_a_listing_over_the_servers_budget(
    exchange: Sandbox, server: str, version: str, codes: list[str], entries: int
) -> None:
    exchange.server(version=server)
    exchange.load_ics(ALICE, many(1100))
    found = Wire(exchange, version).send(
        f'<m:FindItem Traversal="Shallow">{IDS_ONLY}<m:IndexedPageItemView MaxEntriesReturned="2000" Offset="0"'
        f' BasePoint="Beginning"/><m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>'
    )
    assert (found.codes, len(found.ids)) == (codes, entries)
    if entries == 1000:
        assert found.text("//m:RootFolder/@IncludesLastItemInRange") == "false"


# --- faults
def test_a_busy_server_says_how_long_to_wait(wire: Wire, exchange: Sandbox) -> None:
    exchange.fault("throttle", {"protocol": "ews"}, {"times": 1}, back_off_ms=2500)
    busy = wire.sync()
    assert (busy.status, busy.codes) == (500, ["ErrorServerBusy"])
    assert busy.text("//t:MessageXml/t:Value[@Name='BackOffMilliseconds']") == "2500"
    assert wire.sync().codes == ["NoError"]


def test_one_item_of_a_batch_fails_as_ordered(wire: Wire, exchange: Sandbox) -> None:
    exchange.fault("response_code", {"operation": "CreateItem"}, code="ErrorInternalServerError", item=1)
    assert wire.create(PLAN, PLAN, PLAN).codes == ["NoError", "ErrorInternalServerError", "NoError"]
    assert exchange.counts(ALICE)["writes"]["create"] == 2


def test_an_answer_is_lost_after_the_work_was_done(wire: Wire, exchange: Sandbox) -> None:
    exchange.fault("drop", {"operation": "CreateItem"}, {"side": "after", "times": 1})
    with pytest.raises(requests.exceptions.ConnectionError):
        wire.create(PLAN)
    assert len(exchange.entries(ALICE)) == 1


def test_a_request_is_lost_before_the_work_was_done(wire: Wire, exchange: Sandbox) -> None:
    exchange.fault("drop", {"operation": "CreateItem"}, {"times": 1})
    with pytest.raises(requests.exceptions.ConnectionError):
        wire.create(PLAN)
    assert exchange.entries(ALICE) == []


def test_the_other_ways_to_fail(wire: Wire, exchange: Sandbox) -> None:
    once = {"times": 1}
    exchange.fault("status", {}, once, status=503, headers={"Retry-After": "7"})
    answer = wire.sync()
    assert (answer.status, answer.http.headers["Retry-After"]) == (503, "7")
    exchange.fault("html", {}, once)
    assert wire.sync().http.headers["Content-Type"].startswith("text/html")
    exchange.fault("malformed", {}, once)
    with pytest.raises(etree.XMLSyntaxError):
        wire.sync()
    exchange.fault("soap_fault", {}, once, code="ErrorMailboxMoveInProgress")
    assert wire.sync().codes == ["ErrorMailboxMoveInProgress"]
    exchange.fault("stale", {"operation": "SyncFolderItems"}, once)
    assert wire.sync().codes == ["ErrorInvalidSyncStateData"]
    ((id, key),) = wire.create(PLAN).ids
    exchange.fault("stale", {"operation": "UpdateItem"}, once)
    assert wire.update(id, key, NEW).codes == ["ErrorIrresolvableConflict"]
    wire.create(PLAN, PLAN)
    exchange.fault("truncated_listing", {}, once)
    cut = wire.sync()
    assert (len(cut.ids), cut.text("//m:IncludesLastItemInRange")) == (1, "true")


def test_a_sync_state_ends_with_a_move_of_its_mailbox_and_where_the_server_forgets_with_its_age(
    wire: Wire, exchange: Sandbox
) -> None:
    wire.create(PLAN)
    old = wire.sync().text("//m:SyncState")
    exchange.mailbox_moves(ALICE)
    assert wire.sync(old).codes == ["ErrorInvalidSyncStateData"]
    again = wire.sync()
    state = again.text("//m:SyncState")
    assert (len(again.ids), wire.sync(state).ids) == (1, [])  # the entry has kept its id
    exchange.set_clock("2027-01-01T00:00:00+00:00")
    assert wire.sync(state).codes == ["NoError"]
    exchange.server(sync_state_days=30)
    state = wire.sync().text("//m:SyncState")
    exchange.set_clock("2027-01-30T00:00:00+00:00")
    assert wire.sync(state).codes == ["NoError"]
    exchange.set_clock("2027-02-01T00:00:00+00:00")
    assert wire.sync(state).codes == ["ErrorInvalidSyncStateData"]


def test_a_fault_strikes_only_where_and_when_it_is_told_to(wire: Wire, exchange: Sandbox) -> None:
    exchange.fault("status", {"mailbox": "bob@example.com"}, status=503)
    exchange.fault("status", {"operation": "GetItem"}, status=503)
    exchange.fault("status", {"operation": "Sync.*"}, {"nth": 2}, status=418)
    assert [wire.sync().status for _ in range(3)] == [200, 418, 200]


def test_how_many_ran_at_once_is_counted(wire: Wire, exchange: Sandbox) -> None:
    exchange.fault("delay", seconds=0.5)
    with ThreadPoolExecutor(3) as pool:
        assert [a.status for a in pool.map(lambda _: Wire(exchange).sync(), range(3))] == [200, 200, 200]
    assert exchange.counts(ALICE)["max_concurrent"] == 3
    assert exchange.counts(ALICE)["requests"] == 3


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("throttle", {"back_off_ms": 600_000}),
        ("soap_fault", {"code": "ErrorServerBusy", "back_off_ms": 600_000}),
        ("response_code", {"code": "ErrorServerBusy", "back_off_ms": 600_000}),
        ("status", {"status": 503, "headers": {"Retry-After": "600"}}),
    ],
)
def test_requests_of_an_account_that_was_told_to_wait_are_counted(
    wire: Wire, exchange: Sandbox, kind: str, details: dict[str, Any]
) -> None:
    exchange.fault(kind, {"protocol": "ews"}, {"times": 1}, **details)
    wire.sync()
    assert exchange.counts(ALICE)["during_back_off"] == 0, "the one that is refused is not to blame"
    wire.sync()
    Wire(exchange).sync()
    assert exchange.counts(ALICE)["during_back_off"] == 2


@pytest.mark.parametrize(
    ("version", "spoken", "refused"),
    [("2007_sp1", "Exchange2007_SP1", 0), ("2010_sp1", "Exchange2010_SP1", 3), ("2013_sp1", "Exchange2013_SP1", 0)],
)
def test_a_server_takes_as_many_at_once_as_its_version_does(
    exchange: Sandbox, version: str, spoken: str, refused: int
) -> None:
    exchange.server(version)
    exchange.fault("delay", seconds=1)
    wires = [Wire(exchange, spoken) for _ in range(13)]
    with ThreadPoolExecutor(13) as pool:
        codes = [code for answer in pool.map(lambda wire: wire.sync(), wires) for code in answer.codes]
    assert codes.count("ErrorExceededConnectionCount") == refused
    assert exchange.counts(USER)["too_many"] == refused


def test_ten_thousand_entries_are_paged(exchange: Sandbox) -> None:
    wire = Wire(exchange)
    exchange.load_ics(ALICE, many(10_000))
    state, found, last = None, 0, "false"
    while last == "false":
        page = wire.sync(state)
        state, last = page.text("//m:SyncState"), page.text("//m:IncludesLastItemInRange") or ""
        found += len(page.ids)
    assert found == 10_000
