"""Whatever they are sent, our APIs do not fail, and answer as their documents say.

`/rest-api` is held to Severa's own document, `/api` to the one it shows. The requests are the same at every run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import signals
from django.db import close_old_connections

from samklang.accounts.models import PersonalToken, User
from samklang.accounts.programs import SCOPES, issue, make_client
from samklang.accounts.services import make_token
from samklang.clock import now
from samklang.mailboxes.models import JournalRow
from samklang.mailboxes.services import switch_on
from samklang.web.api import api
from samklang.web.severa_api import api as severa_api
from samklang.web.severa_api import caller
from samklang.web.severa_api.shape import occurrence_guid, zone_guid
from samklang.wiring import run_mailbox
from tests.web import severa_document
from tests.web.connected import Connected
from tests.web.house import House, timed

pytestmark = pytest.mark.django_db

#: Requests to each operation.
EXAMPLES = [pytest.param(2, id="few"), pytest.param(120, id="many", marks=pytest.mark.full)]
#: What a PATCH may name, of whatever it changes.
_PATCHED = (
    *("name", "startDateTime", "endDateTime", "isAllDay", "hasDuration", "isClosed", "isUnassigned", "isDraft"),
    *("notes", "location", "activityType/guid", "ownerUser", "ownerUser/guid", "hasHours", "customer/guid"),
    *("recurrence", "recurrence/range/maxOccurrences", "isConfirmed", "code", "isActive", "isDefault", "category"),
    *("timezone/guid", "language/guid"),
)


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """The server ends connections between requests; here all that is sent is in one transaction, the test's."""
    between = (signals.request_started, signals.request_finished)
    for signal in between:
        signal.disconnect(close_old_connections)
    yield
    for signal in between:
        signal.connect(close_old_connections)


@pytest.mark.skipif(not severa_document.PATH.exists(), reason="Severa's OpenAPI document is not at hand")
@pytest.mark.parametrize("examples", EXAMPLES)
def test_the_severa_compatible_api_answers_whatever_it_is_sent(
    house: House, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.anything import TIMES, Api, operations
    from tests.web.anything import mounted

    monkeypatch.setattr(caller.quota, "take", lambda client: True)
    document = json.loads(severa_document.PATH.read_text())
    served = [path.removeprefix("/rest-api") for path in severa_api.get_openapi_schema()["paths"]]
    served += [f"/heartbeat/{name}" for name in ("authorized", "server", "database")]
    wanted = list(operations(document, served))
    document["paths"] = {path: document["paths"][path] for _method, path in wanted}
    ids = [house.meeting.psa_id, house.series.psa_id, occurrence_guid(house.series, timed().start.date())]
    ids += [str(house.meeting.type.guid), house.alice.psa_id, house.bob.psa_id, house.charlie.psa_id]
    ids += [str(house.meeting.participants.get().guid), zone_guid("Europe/Stockholm")]
    ids += [f"{house.meeting.psa_id},{house.series.psa_id}"]
    tokens = [_program(house, sees_private=True), _program(house, SCOPES[:1]), _token(house.alice), _token(house.bob)]
    known = {"guid": ids, "guids": ids, "datetime": TIMES, "since": TIMES, "rowcount": (1, 20, 100)}
    tried = Api(document, mounted("/rest-api"), tokens, known, _PATCHED, let_pass=_several)
    assert tried.try_out(wanted, examples) > examples * len(wanted) / 2


@pytest.mark.parametrize("examples", EXAMPLES)
def test_samklangs_own_api_answers_whatever_it_is_sent(connected: Connected, examples: int) -> None:
    from tests.anything import TIMES, Api, operations
    from tests.web.anything import mounted

    alice, bob = connected.them.alice, connected.them.bob
    mailbox = switch_on(alice, now(), unseen=True)
    run_mailbox(mailbox.pk, "job")
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="")))
    writes = list(JournalRow.objects.all())
    known = {
        "activity": [row.psa_id for row in writes] + [""],
        "event": [row.item_id for row in writes] + [""],
        "write_id": [row.pk for row in writes],
        "run": [row.run_id for row in writes],
        "run_id": [row.run_id for row in writes],
        "user_id": [alice.psa_id, bob.psa_id, connected.them.charlie.psa_id],
        "confirm": [alice.email, bob.email],
        "user": [bob.email],
        "address": [bob.email, "nobody@example.org"],
        "url": [connected.sandbox.ews, "https://127.0.0.1:1/"],
        "version": ["2013", "se", "office365"],
        "before": TIMES,
        "side": ["psa", "exchange"],
        "id": [row.psa_id for row in writes],
    }
    tried = Api(document, mounted("/api"), [_token(alice), _token(bob)], known)
    wanted = list(operations(document))
    assert tried.try_out(wanted, examples) > examples * len(wanted) / 2


def _several(case: Any, response: Any) -> bool:
    """Of the answer for several ids the document says no more than that there are two lists (Severa facts §1.7)."""
    return response.status_code == 200 and case.method == "PATCH" and "," in str(case.path_parameters.get("guid"))


def _program(house: House, scopes: Any = SCOPES, **more: Any) -> str:
    client, secret = make_client(house.alice.organization, "any", scopes, **more)
    return issue(str(client.guid), secret).access


def _token(user: User) -> str:
    return make_token(user, "any", made_by=PersonalToken.Maker.SELF)[1]
