"""The short form of `./run prove`: the same machines, the same steps at every run."""

from __future__ import annotations

from tests.machine.machine import People
from tests.machine.meetings import Meetings

TestPeople = People.TestCase
TestMeetings = Meetings.TestCase
