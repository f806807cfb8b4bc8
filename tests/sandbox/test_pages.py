"""The sandbox's pages: a person's calendar, without a browser (the demo drives it with one), and admin consent."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.graph_client import ALICE, APP, ROLES, SECRET, TENANT, Graph, graph, weekly
from tests.sandbox_client import Sandbox

__all__ = ["graph"]

FORM = {
    "subject": "Lunch",
    "start_day": "2026-03-04",
    "start_time": "12:00",
    "end_day": "2026-03-04",
    "end_time": "13:00",
    "location": "Torget",
    "show_as": "oof",
    "sensitivity": "private",
    "text": "Vi ses",
    "repeat": "none",
    "interval": "1",
}


class Browser:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = requests.Session()
        self.http.trust_env = False

    def get(self, path: str, status: int = 200) -> str:
        answer = self.http.get(self.sandbox.pages + path, timeout=20)
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)

    def post(self, path: str, **form: str) -> requests.Response:
        return self.http.post(self.sandbox.pages + path, data=form, allow_redirects=False, timeout=20)


@pytest.fixture
def browser(graph: Graph) -> Browser:
    return Browser(graph.sandbox)


def page(view: str = "week", day: str = "2026-03-04") -> str:
    return f"/mailboxes/{ALICE}?view={view}&date={day}"


def entry(browser: Browser, subject: str) -> dict[str, str]:
    """The data a grid keeps with an entry."""
    (found,) = re.findall(rf'<a [^>]*aria-label="{subject}, [^>]*>', browser.get(page()))
    return dict(re.findall(r'data-(\w+)="([^"]*)"', found))


def test_the_index_leads_to_every_mailbox(browser: Browser) -> None:
    text = browser.get("/")
    assert f"/mailboxes/{ALICE}" in text
    assert "Bob Berg" in text


def test_a_person_creates_an_event_and_sees_it_in_week_and_month(browser: Browser) -> None:
    made = browser.post(f"/mailboxes/{ALICE}/new", **FORM)
    assert (made.status_code, made.headers["Location"]) == (303, page())
    for view in ("week", "month"):
        text = browser.get(page(view))
        assert "Lunch" in text
        assert "Torget" in text
    (stored,) = browser.sandbox.entries(ALICE)
    assert (stored["start"], stored["show_as"], stored["sensitivity"]) == ("2026-03-04T11:00:00Z", "oof", "private")
    assert stored["text"] == "Vi ses"


def test_saving_a_form_that_was_not_changed_changes_nothing_but_the_mark(browser: Browser) -> None:
    browser.sandbox.person_creates(
        ALICE,
        subject="Ö",
        start="2026-03-04T09:00",
        end="2026-03-04T10:00",
        recurrence=weekly("2026-03-04", "wednesday"),
    )
    (before,) = browser.sandbox.entries(ALICE)
    text = browser.get(f"/mailboxes/{ALICE}/entry?id={before['id']}")
    form = dict(FORM, subject="Ö", start_time="09:00", end_time="10:00", location="", show_as="busy", text="")
    form |= {"sensitivity": "normal", "repeat": "keep"}
    assert "Every week on Wed" in text
    browser.post(f"/mailboxes/{ALICE}/entry?id={before['id']}", **form)
    (after,) = browser.sandbox.entries(ALICE)
    ignored = ("change_key", "modified")
    assert {k: v for k, v in after.items() if k not in ignored} == {k: v for k, v in before.items() if k not in ignored}


def test_one_date_of_a_series_is_edited_or_deleted_alone_and_the_series_as_a_whole(browser: Browser) -> None:
    browser.post(f"/mailboxes/{ALICE}/new", **(FORM | {"repeat": "weekly", "until": "2026-03-20"}))
    found = entry(browser, "Lunch")
    one = f"/mailboxes/{ALICE}/entry?id={found['entry']}&occurrence={found['occurrence']}"
    assert "Open the series" in browser.get(one)
    browser.post(one, **(FORM | {"subject": "Sen lunch", "start_time": "13:00", "end_time": "14:00"}))
    (series,) = browser.sandbox.entries(ALICE)
    assert [(e["original"], e["subject"], e.get("location")) for e in series["exceptions"]] == [
        ("2026-03-04", "Sen lunch", None)
    ]
    browser.post(one.replace("03-04", "03-11"), action="delete")
    assert browser.sandbox.entries(ALICE)[0]["cancelled"] == ["2026-03-11"]
    browser.post(one.split("&")[0], action="delete")
    assert browser.sandbox.entries(ALICE) == []


def test_a_dragged_entry_keeps_its_length_and_a_refusal_says_why(browser: Browser) -> None:
    browser.post(f"/mailboxes/{ALICE}/new", **(FORM | {"repeat": "weekly", "until": "2026-03-20"}))
    found = entry(browser, "Lunch")
    drag = {"id": found["entry"], "occurrence": found["occurrence"], "minutes": found["minutes"]}
    moved = browser.post(f"/mailboxes/{ALICE}/move", start="2026-03-05T15:15", **drag)
    assert moved.status_code == 204
    exception = browser.sandbox.entries(ALICE)[0]["exceptions"][0]
    assert (exception["start"], exception["end"]) == ("2026-03-05T14:15:00Z", "2026-03-05T15:15:00Z")
    refused = browser.post(f"/mailboxes/{ALICE}/move", start="2026-03-12T15:15", **drag)
    assert (refused.status_code, "neighbour" in refused.text) == (422, True)


def test_an_all_day_event_is_entered_by_its_days(browser: Browser) -> None:
    browser.post(
        f"/mailboxes/{ALICE}/new", **(FORM | {"all_day": "on", "start_day": "2026-03-28", "end_day": "2026-03-29"})
    )
    (stored,) = browser.sandbox.entries(ALICE)
    assert (stored["start_date"], stored["end_date"]) == ("2026-03-28", "2026-03-30")
    found = browser.get(f"/mailboxes/{ALICE}/entry?id={stored['id']}")
    assert 'name="end_day" value="2026-03-29"' in found


def test_what_cannot_be_saved_is_said_in_the_form(browser: Browser) -> None:
    answer = browser.post(f"/mailboxes/{ALICE}/new", **(FORM | {"end_time": "11:00"}))
    assert (answer.status_code, "End date is earlier" in answer.text) == (422, True)
    assert browser.sandbox.entries(ALICE) == []


def test_the_state_the_page_polls_changes_with_the_calendar_only(browser: Browser) -> None:
    def state() -> str:
        return browser.get(f"/mailboxes/{ALICE}/state")

    first = state()
    assert state() == first
    browser.sandbox.person_creates(ALICE, subject="X", start="2026-03-04T09:00", end="2026-03-04T10:00")
    assert state() != first


def test_texts_are_shown_and_never_run(browser: Browser) -> None:
    evil = "<script>alert(1)</script>"
    browser.sandbox.person_creates(ALICE, subject=evil, location=evil, start="2026-03-04T09:00", end="2026-03-04T10:00")
    answer = browser.http.get(browser.sandbox.pages + page(), timeout=20)
    assert evil not in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


# --- consent
SCOPE = "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
ASKED = f"client_id={APP}&{SCOPE}&redirect_uri=http%3A%2F%2Flocalhost%2Fback&state=s%261"


def consent(tenant: str = "organizations") -> str:
    return f"/login/{tenant}/v2.0/adminconsent?{ASKED}"


@pytest.fixture
def asked(browser: Browser) -> Browser:
    app = {"client_id": APP, "secret": SECRET, "consented": False, "roles": ROLES}
    browser.sandbox.tenant(TENANT, domains=["example.com"], apps=[app])
    return browser


def back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_an_administrator_reads_what_is_asked_accepts_and_the_app_can_sign_in(asked: Browser, graph: Graph) -> None:
    assert graph.sign_in()["error_codes"] == [700016]
    assert "admin@example.com" in asked.get(consent())
    review = asked.post(consent(), account="admin@example.com").text
    assert "Read and write calendars in all mailboxes" in review
    answer = back(asked.post(consent(), account="admin@example.com", decision="accept"))
    assert (answer["admin_consent"], answer["tenant"], answer["state"]) == ("True", TENANT, "s&1")
    assert "error" not in answer
    assert "access_token" in graph.sign_in()


def test_a_refusal_also_says_admin_consent_true(asked: Browser, graph: Graph) -> None:
    answer = back(asked.post(consent(TENANT), account="admin@example.com", decision="cancel"))
    assert (answer["admin_consent"], answer["error"], answer["state"]) == ("True", "consent_required", "s&1")
    assert answer["error_description"].startswith("AADSTS65004")
    assert graph.sign_in()["error_codes"] == [700016]


def test_a_fresh_consent_may_take_time_to_reach_the_tokens(asked: Browser, graph: Graph) -> None:
    app = {"client_id": APP, "secret": SECRET, "consented": False, "roles": ROLES}
    asked.sandbox.tenant(TENANT, domains=["example.com"], apps=[app], consent_delay_seconds=3600)
    asked.post(consent(), account="admin@example.com", decision="accept")
    poor = Graph(graph.sandbox)
    assert poor.call("GET", "/users").status_code == 403


def test_until_a_consent_has_arrived_the_app_may_not_even_be_known(asked: Browser, graph: Graph) -> None:
    app = {"client_id": APP, "secret": SECRET, "consented": False, "roles": ROLES}
    slow = {"consent_delay_seconds": 3600, "consent_delay_as": "unknown_app"}
    asked.sandbox.tenant(TENANT, domains=["example.com"], apps=[app], **slow)
    asked.post(consent(), account="admin@example.com", decision="accept")
    assert graph.sign_in()["error_codes"] == [700016]
    asked.sandbox.tenant(TENANT, domains=["example.com"], apps=[app | {"consented": True}])
    assert "access_token" in graph.sign_in()


def test_an_ordinary_user_cannot_consent(asked: Browser) -> None:
    answer = asked.post(consent(), account=ALICE, decision="accept")
    assert (answer.status_code, "administrator" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (consent("common"), "AADSTS9001023"),
        (consent("nobody.example"), "AADSTS90002"),
        (consent().replace(APP, "unknown"), "AADSTS700016"),
        (consent().replace("http%3A%2F%2Flocalhost%2Fback", ""), "AADSTS50011"),
        (consent().replace("%2F.default", "%2FUser.Read"), "AADSTS70011"),
    ],
)
def test_what_is_wrong_with_the_address_is_said_and_nobody_is_sent_anywhere(
    asked: Browser, path: str, words: str
) -> None:
    assert words in asked.get(path, 400)
