"""When a mailbox is compared in full (rules 7.7, 9.1, 9.2), and how long one waits that failed (10.2). Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

#: Nights begin and end for this, on the user's own clock: most of a day's people have gone home everywhere.
NIGHT, MORNING = time(1), time(5)
_LENGTH = timedelta(hours=MORNING.hour - NIGHT.hour)
#: Spreads consecutive numbers evenly (Knuth, The Art of Computer Programming 3, §6.4).
_SPREAD = 2654435761

#: Waits after one failure and after many; each doubles the one before.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)


def back_off(failures: int, chance: float) -> timedelta:
    """How long to wait after one more failure than so many in a row, where the server does not say (Graph facts §5.2).

    `chance`: in [0, 1), another for each: those that failed together must not come again together.
    """
    most = min(FIRST_WAIT * 2 ** min(failures, 10), LONGEST_WAIT)
    return most / 2 * (1 + chance)


def turn(mailbox_id: int) -> time:
    """A mailbox's own moment of the night, wall clock: the same every night, and all of them spread over it."""
    share = (mailbox_id * _SPREAD % 2**32) / 2**32
    return (datetime.combine(date.min, NIGHT) + _LENGTH * share).time()


def reconcile_is_due(mailbox_id: int, last: date | None, wall: datetime, *, continuous: bool) -> bool:
    """Whether this run compares in full. `last`: date of the last full comparison; `wall`: the user's wall clock.

    On use each user's first run of a day does (9.1); continuous mode once a night (9.2), and at once when a whole
    night was missed.
    """
    today = wall.date()
    if not continuous:
        return last != today
    if last is None or last < today - timedelta(days=1):
        return True
    return last < today and wall.time() >= turn(mailbox_id)
