"""A served Samklang for the browser: run by the tests in a process of its own, with the settings of a real one.

Makes Alice (administrator) and Bob; given the sandbox's Exchange also her connection to it, and switches her sync on.
"""

from __future__ import annotations

import sys

EMAIL, PASSWORD = "alice@example.org", "correct horse battery"


def main(ews: str) -> None:
    from samklang.cli.output import open_database

    open_database(bring_up_to_date=True)
    from samklang.accounts import services as accounts
    from samklang.accounts.models import Role
    from samklang.activities.types import found_organization, set_ticks, types_for_rules
    from samklang.clock import now
    from samklang.mailboxes import services
    from samklang.wiring import test_connection

    company = found_organization("Nordhavn Konsult", language="en", zone="Europe/Stockholm")
    alice = accounts.add_user(company, EMAIL, "Alice Berg", password=PASSWORD, role=Role.ADMINISTRATOR)
    accounts.add_user(company, "bob@example.org", "Bob Dahl", password=PASSWORD)
    set_ticks(company, [t.id for t in types_for_rules(company)], by=alice)
    if not ews:
        return
    exchange = {"version": "2013", "domain": "EXAMPLE", "url": ews, "username": "sync", "password": "right"}
    connection = services.connection_of(company)
    services.save_connection(connection, {**exchange, "auth": "basic", "mode": "continuous"}, by=alice)
    assert all(step.ok for step in test_connection(connection, EMAIL, by=alice))
    services.enable(connection, by=alice)
    services.switch_on(alice, now(), unseen=True)


if __name__ == "__main__":
    main(sys.argv[1])
