"""Failed sign-ins make the next one wait, longer each time; nobody can shut another person out.

Three counts are kept: per account *from one address* (guessing one password), per address (guessing many accounts) and
per account over all addresses (guessing from many machines). The last one does not hold for an address from which the
account was signed in to lately, so a stranger's failures never reach its owner at his usual place.
Real time, not the test clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from samklang.accounts.models import SignInAttempts, normal_address

Scope = SignInAttempts.Scope

#: A count is forgotten this long after its last failure.
MEMORY = timedelta(hours=1)
#: An address counts as the account's own this long after its last good sign-in.
KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Allowance:
    """`free` failures cost nothing; then 1 s, 2 s, 4 s … up to `longest` seconds."""

    free: int
    longest: int

    def wait(self, failures: int) -> timedelta:
        over = failures - self.free
        return timedelta(seconds=min(2 ** min(over - 1, 20), self.longest) if over > 0 else 0)


ALLOWANCES = {
    Scope.PAIR: Allowance(free=4, longest=900),
    Scope.ADDRESS: Allowance(free=20, longest=900),
    Scope.ACCOUNT: Allowance(free=20, longest=60),
}


@dataclass(frozen=True, slots=True)
class Booking:
    """An attempt that was let through and is counted as failed until `settle` says otherwise."""

    keys: dict[Scope, str]


class MustWait(Exception):
    """Too many failed sign-ins; no password was looked at."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"Wait {seconds} s before the next sign-in.")


def _hash(*parts: str) -> str:
    return salted_hmac("samklang.accounts.throttle", "\x1f".join(parts), algorithm="sha256").hexdigest()


def book(email: str, address: str) -> Booking:
    """Count an attempt as failed before its password is looked at, so that parallel guesses cannot slip through.

    Raises MustWait when an earlier failure still makes this one wait; it is not counted then.
    """
    account = normal_address(email)
    keys = {
        Scope.PAIR: _hash(account, address),
        Scope.ADDRESS: _hash(address),
        Scope.ACCOUNT: _hash(account),
    }
    now = timezone.now()
    with transaction.atomic():
        known = SignInAttempts.objects.filter(scope=Scope.KNOWN, key=keys[Scope.PAIR], last__gt=now - KNOWN_FOR)
        if known.exists():
            del keys[Scope.ACCOUNT]
        # Always in the same order, so that two attempts cannot wait for each other's rows.
        counts = [_locked(scope, keys[scope], now) for scope in ALLOWANCES if scope in keys]
        until = max((count.wait_until for count in counts if count.wait_until), default=now)
        if until > now:
            raise MustWait(int((until - now).total_seconds()) + 1)
        for count in counts:
            stale = count.last < now - MEMORY
            count.failures = 1 if stale else count.failures + 1
            count.last = now
            count.wait_until = now + ALLOWANCES[Scope(count.scope)].wait(count.failures)
            count.save()
    return Booking(keys)


def settle(booking: Booking) -> None:
    """The password was right: take the count back, and remember the address as the account's own."""
    now = timezone.now()
    with transaction.atomic():
        pair = booking.keys[Scope.PAIR]
        SignInAttempts.objects.filter(scope=Scope.PAIR, key=pair).delete()
        for scope in (Scope.ADDRESS, Scope.ACCOUNT):
            if scope not in booking.keys:
                continue
            count = _locked(scope, booking.keys[scope], now)
            count.failures = max(count.failures - 1, 0)
            count.wait_until = None
            count.save()
        SignInAttempts.objects.update_or_create(scope=Scope.KNOWN, key=pair, defaults={"last": now})


def forget_old() -> int:
    """Remove counts that no longer matter; returns how many. Run daily."""
    now = timezone.now()
    counts = SignInAttempts.objects.exclude(scope=Scope.KNOWN).filter(last__lt=now - MEMORY)
    known = SignInAttempts.objects.filter(scope=Scope.KNOWN, last__lt=now - KNOWN_FOR)
    return counts.delete()[0] + known.delete()[0]


def _locked(scope: Scope, key: str, now: datetime) -> SignInAttempts:
    SignInAttempts.objects.bulk_create([SignInAttempts(scope=scope, key=key, last=now)], ignore_conflicts=True)
    return SignInAttempts.objects.select_for_update().get(scope=scope, key=key)
