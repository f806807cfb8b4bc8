"""The help's table of error codes is what the connectors do, in words, in each language."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.utils import translation

from samklang.connectors import http
from samklang.connectors.ews.codes import CODES, OF_THE_REQUEST, STATUSES, error_for
from samklang.connectors.graph import auth, openid
from samklang.connectors.graph.codes import CODES as GRAPH
from samklang.connectors.graph.codes import meaning_of
from samklang.connectors.severa.errors import CODES as SEVERA
from samklang.mailboxes import messages
from samklang.mailboxes.error_table import Row, tables
from tests.web.house import House, as_person

pytestmark = pytest.mark.django_db

#: What a row says we do, by what the error is of.
DOES = {
    "ItemError": "Sets the entry aside",
    "Inexpressible": "Sets the entry aside",
    "VersionConflict": "Reads the entry again at once",
    "NotFound": "Looks for the entry once more",
    "TokenRejected": "Reads the whole calendar again",
    "MailboxError": "Tries this mailbox again once an hour",
    "Throttled": "Leaves this mailbox alone",
    "Unavailable": "Tries again, later each time",
    "ProtocolError": "Tries again, later each time",
    "ConnectionRefused": "Pauses all mailboxes after this one refusal",
}


def rows(language: str = "en") -> dict[str, Row]:
    with translation.override(language):
        return {row.anchor: row for table in tables() for row in table.rows}


def test_every_code_a_connector_knows_is_in_the_table() -> None:
    numbers = {f"sign-in-AADSTS{number}" for number in auth.REFUSALS} | {
        f"person-AADSTS{number}" for number in openid.REFUSALS
    }
    known = numbers | {f"ews-{code}" for code in CODES} | {f"ews-{code}-request" for code in OF_THE_REQUEST}
    known |= {f"ews-HTTP-{status}" for status in STATUSES} | {f"graph-{code}" for code in GRAPH}
    known |= {f"severa-{code}" for code in SEVERA} | {f"way-{code}" for code in http.FAILURES}
    assert sorted(known - rows().keys()) == []


@pytest.mark.parametrize("code", CODES)
def test_what_the_table_says_of_exchange_is_what_is_raised(code: str) -> None:
    error, row = error_for(code), rows()[f"ews-{code}"]
    assert (row.name, row.code) == (error.code, error.detail)
    assert row.means == messages.explain(error.code).sentence
    assert row.does.startswith(DOES[type(error).__name__])
    asked = error_for(code, whole=True)
    of_request = rows().get(f"ews-{code}-request", row)
    assert of_request.does.startswith(DOES[type(asked).__name__])


@pytest.mark.parametrize("code", GRAPH)
def test_what_the_table_says_of_graph_is_what_is_raised(code: str) -> None:
    row = rows()[f"graph-{code}"]
    meaning = meaning_of(429 if row.name == "throttled" else 400, ["BadRequest", code.upper()])
    assert row.name == meaning.code
    assert row.does.startswith(DOES[meaning.kind.__name__])


def test_every_row_has_all_its_words_in_swedish() -> None:
    english, swedish = rows(), rows("sv")
    assert english.keys() == swedish.keys()
    for anchor, row in english.items():
        for name in ("means", "who", "remedy", "does"):
            said = getattr(swedish[anchor], name)
            assert said and said != getattr(row, name), (anchor, name)


@pytest.mark.parametrize("language", ["en", "sv"])
def test_each_code_has_a_place_of_its_own_on_the_page(house: House, language: str) -> None:
    house.alice.language = language
    house.alice.save()
    with translation.override(language):  # the page's own choice ends with it
        page = unescape(as_person(house.alice).get("/help/errors").content.decode())
    ids = re.findall(r'<tr id="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids)) == sorted(rows(language))
    row = rows(language)["ews-ErrorPasswordExpired"]
    for words in row[1:]:
        assert words in page


def test_the_help_for_administrators_leads_there(house: House) -> None:
    assert 'href="/help/errors"' in as_person(house.alice).get("/help/administrator").content.decode()
