"""The people of the tests: Alice owns, Bob is her colleague, Charlie is in another organization, must see nothing."""

from __future__ import annotations

from dataclasses import dataclass

from samklang.accounts.models import Organization, Role, User
from samklang.accounts.services import add_user
from samklang.activities.types import found_organization

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class People:
    alice: User
    bob: User
    charlie: User

    @property
    def company(self) -> Organization:
        return self.alice.organization


def people() -> People:
    """Alice (administrator) and Bob of one organization, Charlie of another."""
    ours = found_organization("Nordhavn Konsult", language="en", zone="Europe/Stockholm")
    theirs = found_organization("Other Ltd", language="en", zone="Europe/London")
    return People(
        add_user(ours, "Alice@example.org", "Alice Berg", password=PASSWORD, role=Role.ADMINISTRATOR),
        add_user(ours, "bob@example.org", "Bob Dahl", password=PASSWORD),
        add_user(theirs, "charlie@example.com", "Charlie Ek", password=PASSWORD, role=Role.ADMINISTRATOR),
    )
