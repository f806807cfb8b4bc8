"""People in the activity dialog, one's own answer, somebody else's meeting, the trash and one's profile."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from samklang.accounts.models import User
from samklang.activities import queries, rows, services
from samklang.activities.models import Activity, ActivityType, ChangeLog, Participant
from samklang.activities.services import Guest
from samklang.engine.model import Role
from samklang.mailboxes.models import Connection
from tests.linked import link, syncs
from tests.web.house import House, as_person, as_program, send, timed

pytestmark = pytest.mark.django_db

EVA = Guest(name="Eva Lund", address="eva@customer.example", organizer=True, status=Participant.Status.ACCEPTED)
V1 = "/rest-api/v1"


def dialog(user: User, activity: Activity | None = None) -> Any:
    return as_person(user).get("/calendar/form", {"id": activity.psa_id} if activity else {})


def text_of(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def add(user: User, text: str, activity: Activity | None = None, *there: str) -> Any:
    """What the server says of somebody typed into the dialog."""
    sent = {"id": activity.psa_id if activity else "", "add": text, "participants": list(there)}
    return as_person(user).post("/calendar/person", sent)


def listed(answer: Any) -> list[str]:
    return [unescape(value) for value in re.findall(r'name="participants" value="([^"]*)"', answer.content.decode())]


def save(user: User, activity: Activity | None = None, **sent: Any) -> Any:
    """Send the dialog as it was opened, with these fields changed."""
    form = dialog(user, activity).context["form"]
    values = {name: form[name].value() for name in form.fields} | sent
    values["all_day"] = "on" if values["all_day"] else None
    for name in ("start", "end"):
        values[name] = str(values[name]).replace(" ", "T")[:16]
    return as_person(user).post("/calendar/form", {k: v for k, v in values.items() if v is not None})


# --- who is meant ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["Bob Dahl", "bob dahl", "BOB@example.org", "Bobby <bob@example.org>"])
def test_a_colleague_is_found_by_name_or_address(house: House, typed: str) -> None:
    assert listed(add(house.alice, typed)) == ["Bob Dahl <bob@example.org>"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("eva@customer.example", "eva@customer.example"),
        ("Eva Lund <eva@customer.example>", "Eva Lund <eva@customer.example>"),
        ('"Lund, Eva" <eva@customer.example>', "Lund, Eva <eva@customer.example>"),
    ],
)
def test_somebody_outside_is_listed_by_name_and_address(house: House, typed: str, expected: str) -> None:
    assert listed(add(house.alice, typed)) == [expected]


@pytest.mark.parametrize("typed", ["", "Nobody", "Charlie Ek", "no address <nowhere>", "a@b"])
def test_whom_nobody_knows_is_refused_with_what_to_write(house: House, typed: str) -> None:
    answer = add(house.alice, typed)
    assert answer.status_code == 422
    assert "e-mail address" in answer.content.decode()


def test_nobody_is_listed_twice(house: House) -> None:
    there = ["Eva Lund <eva@customer.example>"]
    assert listed(add(house.alice, "EVA@customer.example", None, *there)) == there


def test_what_was_listed_is_saved_and_shown_with_the_answers(house: House) -> None:
    assert save(
        house.alice, name="Fair", participants=["Bob Dahl <bob@example.org>", "Eva Lund <eva@customer.example>"]
    )
    made = Activity.objects.get(name="Fair")
    assert [(p.user, p.name, p.address) for p in made.participants.all()] == [
        (house.bob, "", ""),
        (None, "Eva Lund", "eva@customer.example"),
    ]
    services.respond(house.bob, made.guid, Participant.Status.TENTATIVE)
    shown = text_of(dialog(house.alice, made))
    assert "Alice Berg Owner" in shown and "Bob Dahl Tentative" in shown
    assert save(house.alice, made, participants=["Eva Lund <eva@customer.example>"]).status_code == 204
    assert [p.shown_name for p in made.participants.all()] == ["Eva Lund"]


# --- who does not sync (rule 4.1) -----------------------------------------------------------------------------------

WARNING = "Does not synchronize a calendar"


def test_a_colleague_who_does_not_sync_is_warned_of_before_saving(house: House) -> None:
    Connection.objects.update(enabled=True)
    assert WARNING in add(house.alice, "Bob Dahl").content.decode()
    assert WARNING in dialog(house.alice, house.meeting).content.decode()
    assert not Activity.objects.filter(version__gt=1).exists(), "nothing is saved yet"


def test_of_who_syncs_of_oneself_and_of_outsiders_there_is_nothing_to_warn(house: House) -> None:
    Connection.objects.update(enabled=True)
    syncs(house.bob)
    assert WARNING not in add(house.alice, "Bob Dahl").content.decode()
    assert WARNING not in add(house.alice, "eva@customer.example").content.decode()
    syncs(house.bob, on=False)
    assert WARNING not in dialog(house.bob, house.meeting).content.decode()


def test_where_nobody_can_sync_nobody_is_warned(house: House) -> None:
    assert WARNING not in add(house.alice, "Bob Dahl").content.decode()


# --- one's own answer -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["Accepted", "Tentative", "Declined"])
def test_who_takes_part_answers_with_one_button(house: House, answer: str) -> None:
    assert f'value="{answer}"' in dialog(house.bob, house.meeting).content.decode()
    sent = as_person(house.bob).post("/calendar/respond", {"id": house.meeting.psa_id, "answer": answer})
    assert sent.status_code == 204
    assert house.meeting.participants.get().status == answer
    button = re.search(rf'value="{answer}"[^>]*', dialog(house.bob, house.meeting).content.decode())
    assert button and 'aria-pressed="true"' in button.group()


def test_enter_in_the_dialog_saves_and_never_answers(house: House) -> None:
    html = dialog(house.bob, house.meeting).content.decode()
    answering, saving = html.index('action="/calendar/respond"'), html.index('action="/calendar/form"')
    assert answering < html.index('name="answer"') < html.index("</form>") < saving, "forms of their own"


def test_the_owner_has_nothing_to_answer_and_who_is_not_there_may_not(house: House) -> None:
    assert 'name="answer"' not in dialog(house.alice, house.meeting).content.decode()
    sent = {"id": house.series.psa_id, "answer": "Accepted"}
    assert as_person(house.bob).post("/calendar/respond", sent).status_code == 403
    assert as_person(house.alice).post("/calendar/respond", sent | {"answer": "Unknown"}).status_code == 400


# --- somebody else's meeting (rule 4.4) -----------------------------------------------------------------------------


@pytest.fixture
def invitation(house: House) -> Activity:
    made = services.create(house.alice, name="Review", when=timed(6), participants=[EVA, Guest(house.bob)])
    link(house.alice, made, Role.ATTENDEE)
    return made


def test_an_invitation_says_from_whom_and_why_it_cannot_be_moved(house: House, invitation: Activity) -> None:
    answer = dialog(house.alice, invitation)
    shown = text_of(answer)
    assert "Invitation from Eva Lund" in shown and "Eva Lund eva@customer.example Organizer" in shown
    assert "Eva Lund called this meeting in another calendar" in shown
    for name in ("name", "start", "end", "location", "frequency"):
        field = re.search(rf'<\w+ [^>]*name="{name}"[^>]*', answer.content.decode())
        assert field and "disabled" in field.group(), name
    assert "data-remove" not in answer.content.decode() and 'name="add"' not in answer.content.decode()


def test_ones_own_fields_of_an_invitation_are_saved(house: House, invitation: Activity) -> None:
    todo = ActivityType.objects.of(house.alice.organization).get(category="SalesEvent")
    answer = save(house.alice, invitation, notes="Bring figures", type=str(todo.guid), name="Mine now", location="x")
    assert answer.status_code == 204
    after = queries.find(house.alice, invitation.guid)
    assert (after.notes, after.type, after.name, after.location) == ("Bring figures", todo, "Review", "")


def test_dragging_and_the_rest_api_refuse_with_the_reason(house: House, invitation: Activity) -> None:
    drag = {"id": invitation.psa_id, "version": invitation.version, "start": "2026-03-05T10:00:00"}
    dragged = as_person(house.alice).post("/calendar/move", drag)
    assert dragged.status_code == 403 and "Eva Lund" in dragged.content.decode()
    api = as_program(house.alice)
    patch = [{"op": "replace", "path": "/location", "value": "Attic"}]
    refused = send(api, "PATCH", f"{V1}/activities/{invitation.psa_id}", patch)
    assert refused.status_code == 403 and "Eva Lund" in refused.json()["error"]["details"][0]["message"]
    invite = {"activityGuid": invitation.psa_id, "participantGuid": house.bob.psa_id}
    services.leave(house.bob, invitation.guid)
    assert send(api, "POST", f"{V1}/activityparticipants", invite).status_code == 403
    patch = [{"op": "replace", "path": "/notes", "value": "For me"}]
    assert send(api, "PATCH", f"{V1}/activities/{invitation.psa_id}", patch).status_code == 200


def test_it_says_so_when_a_change_goes_to_those_invited(house: House) -> None:
    sentence = "is sent to those invited"
    assert sentence not in text_of(dialog(house.alice, house.meeting))
    link(house.alice, house.meeting, Role.ORGANIZER)
    assert sentence in text_of(dialog(house.alice, house.meeting))


def test_a_private_meeting_tells_a_colleague_nothing_of_its_people(house: House, invitation: Activity) -> None:
    services.update(house.alice, invitation.guid, masked=True)
    services.leave(house.bob, invitation.guid)
    for answer in (
        dialog(house.bob, invitation),
        add(house.bob, "x@y.example", invitation),
        send(as_program(house.bob), "GET", f"{V1}/activities/{invitation.psa_id}/activityparticipants"),
    ):
        body = answer.content.decode()
        assert not re.search(r"Eva|@|Review|Invitation", body), body
    found = send(as_program(house.bob), "GET", f"{V1}/activities", activityTypeGuids=[str(invitation.type.guid)]).json()
    assert "Private" not in {one["name"] for one in found}, "being found by its type would tell its type"


# --- exceptions that cross their neighbours (cases 98, 112, 113) ----------------------------------------------------


def test_an_occurrence_moved_over_its_neighbour_is_refused_in_words_on_page_and_api(house: House) -> None:
    reason = "would stand on or past the day of its neighbour"
    sent = {"id": house.series.psa_id, "day": "2026-03-09", "version": 1, "scope": "this"}
    moved = as_person(house.alice).post(
        "/calendar/move", sent | {"start": "2026-03-16T12:00", "end": "2026-03-16T13:00"}
    )
    assert moved.status_code == 422 and reason in moved.content.decode()
    typed = save(
        house.alice, house.series, day="2026-03-09", scope="this", start="2026-03-02T12:00", end="2026-03-02T13:00"
    )
    assert typed.status_code == 422 and reason in text_of(typed)
    api = as_program(house.alice)
    query = {"startDateTime": "2026-03-09T00:00:00Z", "endDateTime": "2026-03-10T00:00:00Z"}
    (one,) = [o for o in send(api, "GET", f"{V1}/activities", **query).json() if o["name"] == "Weekly coffee"]
    patch = [
        {"op": "replace", "path": "/startDateTime", "value": "2026-03-16T12:00:00+01:00"},
        {"op": "replace", "path": "/endDateTime", "value": "2026-03-16T13:00:00+01:00"},
    ]
    refused = send(api, "PATCH", f"{V1}/activities/{one['guid']}", patch)
    assert refused.status_code == 400 and reason in refused.json()["error"]["details"][0]["message"]
    assert Activity.objects.get(pk=house.series.pk).version == 1, "refused before anything was written"


# --- the trash ------------------------------------------------------------------------------------------------------


def test_what_was_deleted_is_listed_for_its_owner_and_restored_by_him(house: House) -> None:
    services.trash(house.alice, house.meeting.guid)
    page = as_person(house.alice).get("/calendar/trash")
    assert "Merger talks" in text_of(page)
    assert "Merger talks" not in text_of(as_person(house.bob).get("/calendar/trash"))
    as_person(house.bob).post("/calendar/restore", {"id": house.meeting.psa_id})
    assert Activity.objects.get(pk=house.meeting.pk).trashed_at is not None
    answer = as_person(house.alice).post("/calendar/restore", {"id": house.meeting.psa_id}, follow=True)
    assert "“Merger talks” is back in the calendar." in text_of(answer)
    assert queries.find(house.bob, house.meeting.guid).name == "Merger talks"
    assert "The trash is empty." in text_of(as_person(house.alice).get("/calendar/trash"))


def test_what_is_not_in_the_trash_cannot_be_restored(house: House) -> None:
    answer = as_person(house.alice).post("/calendar/restore", {"id": house.meeting.psa_id}, follow=True)
    assert "There is no such activity" in text_of(answer)
    assert as_person(house.alice).post("/calendar/restore", {"id": "x"}).status_code == 400


# --- my profile -----------------------------------------------------------------------------------------------------


def test_language_zone_and_default_type_are_ones_own_to_choose(house: House) -> None:
    visit = ActivityType.objects.create(organization=house.alice.organization, name="Visit", category="CalendarEntry")
    sent = {"language": "sv", "zone": "America/New_York", "default_activity_type": str(visit.guid)}
    answer = as_person(house.alice).post("/profile", sent, follow=True)
    assert "Min profil" in text_of(answer)
    house.alice.refresh_from_db()
    assert (house.alice.language, house.alice.zone) == ("sv", "America/New_York")
    assert services.create(house.alice, name="New", when=timed()).type == visit
    as_person(house.alice).post("/profile", sent | {"default_activity_type": ""})
    house.alice.refresh_from_db()
    assert services.create(house.alice, name="New", when=timed()).type.name == "Meeting"


def test_another_zone_rewrites_nothing(house: House) -> None:
    before = list(Activity.objects.order_by("pk").values())
    logged = ChangeLog.objects.count()
    as_person(house.alice).post("/profile", {"language": "en", "zone": "Pacific/Auckland"})
    assert list(Activity.objects.order_by("pk").values()) == before
    assert ChangeLog.objects.count() == logged
    assert rows.when_of(Activity.objects.get(pk=house.meeting.pk)) == timed()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Europe/Nowhere"}, "no time zone"),
        ({"language": "xx"}, "choice"),
        ({"default_activity_type": "x"}, "choice"),
    ],
)
def test_what_cannot_be_chosen_is_said_beside_its_field(house: House, wrong: dict[str, str], says: str) -> None:
    answer = as_person(house.alice).post("/profile", {"language": "en", "zone": "Europe/Stockholm"} | wrong)
    assert answer.status_code == 422 and says in text_of(answer)
    house.alice.refresh_from_db()
    assert house.alice.zone == "Europe/Stockholm"
