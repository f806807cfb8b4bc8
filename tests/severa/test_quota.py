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

WORKERS, REQUESTS = 3, 32


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
def test_three_workers_send_no_more_than_severa_admits_in_any_second(sandbox: Sandbox) -> None:
    acme = Acme.of_sandbox(sandbox, people().company, requests_per_second=10)
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
