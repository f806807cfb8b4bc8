"""Several workers at once stay inside Severa's quota, as the server counts (rule 10.2, Severa facts §1.4)."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from samklang.connectors.severa.auth import Tokens
from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.pace import Pace
from samklang.connectors.severa.schema import Activity
from samklang.severa.slots import SharedSlots
from tests.connectors.severa.sandboxed import Acme
from tests.people import people
from tests.sandbox.severa_client import CLIENT
from tests.sandbox_client import Sandbox

#: A minute's requests, by as many as wait for each other at a slow server.
WORKERS, REQUESTS = 12, 40


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
def test_whoever_sends_no_more_comes_in_any_second_of_a_minute_than_severa_admits(sandbox: Sandbox) -> None:
    acme = Acme.of_sandbox(sandbox, people().company, requests_per_second=10, latency_seconds=0.4)
    access = acme.access
    sandbox.zero_counts()
    done: list[int] = []

    def work() -> None:
        try:
            pace = Pace(SharedSlots(access))
            client = SeveraClient(access, Tokens(access, pace), pace)
            for _ in range(REQUESTS):
                done.append(sum(len(page) for page in client.rows("/activities", Activity)))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = sandbox.counts(CLIENT)
    assert len(done) == WORKERS * REQUESTS
    assert counts["requests"] + counts["token_requests"] >= WORKERS * REQUESTS
    assert counts["max_per_second"] <= 10
    assert counts["by_operation"]["activities.list"] == WORKERS * REQUESTS, "none was refused and sent again"
