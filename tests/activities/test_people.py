"""One person takes part once, however his address is written (case 136)."""

from __future__ import annotations

import pytest

from samklang.activities import services
from samklang.activities.people import Guest
from tests.contract.activities import MEETING
from tests.people import people

pytestmark = pytest.mark.django_db


def test_an_address_in_two_spellings_is_one_person() -> None:
    alice = people().alice
    twice = [Guest(name="Eva", address="Eva@Customer.example"), Guest(name="Eva", address="eva@customer.EXAMPLE ")]
    made = services.create(alice, name="Plan", when=MEETING.when, participants=twice)
    assert made.participants.count() == 1
    again = services.update(alice, made.guid, participants=twice[:1])
    assert [row.guid for row in again.participants.all()] == [made.participants.get().guid]
