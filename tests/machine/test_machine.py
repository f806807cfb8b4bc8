"""The short form of `./run prove`: the same machine, the same steps at every run."""

from __future__ import annotations

from tests.machine.machine import People

TestPeople = People.TestCase
