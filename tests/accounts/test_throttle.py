from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from samklang.accounts.models import SignInAttempts
from samklang.accounts.services import SignInMustWait, SignInRefused, authenticate
from samklang.accounts.throttle import ALLOWANCES, KNOWN_FOR, forget_old
from tests.people import PASSWORD, People, people

pytestmark = pytest.mark.django_db
HOME, CAFE = "192.0.2.1", "198.51.100.7"
SCOPE = SignInAttempts.Scope


@pytest.fixture
def them() -> People:
    return people()


def fail(email: str, address: str, times: int) -> None:
    """Give a wrong password that many times, waiting as long as asked in between."""
    for _ in range(times):
        pass_time(timedelta(minutes=15))
        with pytest.raises(SignInRefused):
            authenticate(email, "wrong", address)


def pass_time(by: timedelta) -> None:
    """Let time go by, as far as waiting is concerned (not for the memory of counts)."""
    SignInAttempts.objects.filter(wait_until__isnull=False).update(wait_until=F("wait_until") - by)


def test_a_few_mistakes_cost_nothing(them: People) -> None:
    for _ in range(ALLOWANCES[SCOPE.PAIR].free):
        with pytest.raises(SignInRefused):
            authenticate("alice@example.org", "wrong", HOME)
    assert authenticate("alice@example.org", PASSWORD, HOME) == them.alice


def test_more_mistakes_make_the_next_attempt_wait_longer_each_time(them: People) -> None:
    waits = []
    fail("alice@example.org", HOME, ALLOWANCES[SCOPE.PAIR].free)
    for _ in range(4):
        fail("alice@example.org", HOME, 1)
        with pytest.raises(SignInMustWait) as wait:
            authenticate("alice@example.org", PASSWORD, HOME)
        waits.append(wait.value.seconds)
    assert waits == sorted(set(waits)) and waits[0] <= 2


def test_the_right_password_after_the_wait_clears_the_count(them: People) -> None:
    fail("alice@example.org", HOME, 8)
    pass_time(timedelta(minutes=15))
    assert authenticate("alice@example.org", PASSWORD, HOME) == them.alice
    fail("alice@example.org", HOME, 1)
    assert authenticate("alice@example.org", PASSWORD, HOME) == them.alice


def test_a_stranger_elsewhere_cannot_lock_a_person_out(them: People) -> None:
    authenticate("alice@example.org", PASSWORD, HOME)
    fail("alice@example.org", CAFE, 40)
    with pytest.raises(SignInMustWait):
        authenticate("alice@example.org", PASSWORD, CAFE)
    assert authenticate("alice@example.org", PASSWORD, HOME) == them.alice


def test_guessing_one_account_from_many_addresses_is_slowed(them: People) -> None:
    for n in range(ALLOWANCES[SCOPE.ACCOUNT].free + 1):
        fail("alice@example.org", f"203.0.113.{n}", 1)
    with pytest.raises(SignInMustWait) as wait:
        authenticate("alice@example.org", "wrong", "203.0.113.200")
    assert wait.value.seconds <= ALLOWANCES[SCOPE.ACCOUNT].longest + 1


def test_guessing_many_accounts_from_one_address_is_slowed(them: People) -> None:
    for n in range(ALLOWANCES[SCOPE.ADDRESS].free + 1):
        fail(f"guess{n}@example.org", CAFE, 1)
    with pytest.raises(SignInMustWait):
        authenticate("bob@example.org", PASSWORD, CAFE)
    assert authenticate("bob@example.org", PASSWORD, HOME) == them.bob


def test_the_counts_tell_neither_addresses_nor_people(them: People) -> None:
    fail("alice@example.org", HOME, 1)
    stored = " ".join(SignInAttempts.objects.values_list("key", flat=True))
    assert "alice" not in stored and HOME not in stored


def test_old_counts_are_forgotten(them: People) -> None:
    authenticate("alice@example.org", PASSWORD, HOME)
    fail("bob@example.org", CAFE, 9)
    SignInAttempts.objects.update(last=F("last") - timedelta(hours=2))
    assert authenticate("bob@example.org", PASSWORD, HOME) == them.bob
    forget_old()
    assert set(SignInAttempts.objects.values_list("scope", flat=True)) >= {SCOPE.KNOWN}
    SignInAttempts.objects.update(last=F("last") - KNOWN_FOR)
    forget_old()
    assert not SignInAttempts.objects.exists()
