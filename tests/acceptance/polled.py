"""A PSA that Samklang asks over Severa's REST API: how it is connected, and how Samklang hears of what was done
there."""

from __future__ import annotations

import tempfile

from samklang.accounts.models import Organization
from samklang.severa import polling
from samklang.severa.services import arrangement_of
from tests.installation import Installation


class Polled:
    """Samklang hears by its poll, as its workers do it; of what was deleted, by the complete listing of each hour."""

    #: No activity moves from one category to another.
    another_type = "Workshop"

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._is_on = self.has_deleted = False

    def connects(self, url: str, client: str, secret: str) -> None:
        """An administrator lays activities there."""
        done = self._installation.done
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(secret)
            file.flush()
            done("severa", "set", "--url", url, "--client-id", client, "--secret-file", file.name)
        done("severa", "test")
        done("severa", "set", "--types", "all", "--confirm")
        done("severa", "enable")
        self._is_on = True

    def ticks(self, *names: str) -> None:
        self._installation.done("severa", "set", "--types", ",".join(names))

    def reads_anew(self) -> None:
        """By itself Samklang reads types and users once a day."""
        if self._is_on:
            self._installation.done("severa", "test")

    def lets_time_pass(self) -> None:
        """Two polls: each second one asks for series, the other for changed dates."""
        if self.has_deleted:
            self._installation.later(hours=1)
            self.has_deleted = False
        for _ in range(2):
            self._installation.later(minutes=1)
            for organization in Organization.objects.filter(psa=Organization.Psa.SEVERA):
                polling.poll(arrangement_of(organization).pk)
