"""How much one person may send."""

from __future__ import annotations

import time

import pytest

from supervisor.config import Limits
from supervisor.people.rate_limits import RateLimits, too_many
from supervisor.protocol.messages import UserId

ADA, BOB = UserId("ada"), UserId("bob")


def test_ten_messages_a_minute_pass_and_the_eleventh_waits() -> None:
    rates = RateLimits(Limits())
    assert [rates.take(ADA) for _ in range(10)] == [None] * 10
    wait = rates.take(ADA)
    assert wait is not None
    assert 1.0 <= wait <= 61.0


def test_one_persons_messages_are_not_anothers() -> None:
    rates = RateLimits(Limits(messages_per_minute=1))
    assert rates.take(ADA) is None
    assert rates.take(ADA) is not None
    assert rates.take(BOB) is None


def test_a_spent_hour_waits_longer_than_a_minute() -> None:
    rates = RateLimits(Limits(messages_per_minute=100, messages_per_hour=2))
    assert [rates.take(ADA), rates.take(ADA)] == [None, None]
    wait = rates.take(ADA)
    assert wait is not None
    assert 3_000 < wait <= 3_601


def test_the_wait_is_that_of_the_limit_that_ends_last() -> None:
    rates = RateLimits(Limits(messages_per_minute=1, messages_per_hour=1))
    rates.take(ADA)
    assert (rates.take(ADA) or 0) > 3_000


def test_a_message_that_was_refused_does_not_count() -> None:
    rates = RateLimits(Limits(messages_per_minute=1, messages_per_hour=2))
    rates.take(ADA)
    for _ in range(5):
        wait = rates.take(ADA)
        assert wait is not None
        assert wait <= 61  # the minute's: the hour still has room


def test_a_flood_is_told_once_until_its_wait_is_over() -> None:
    rates = RateLimits(Limits())
    assert rates.tell(ADA, 60.0)
    assert not rates.tell(ADA, 60.0)
    assert rates.tell(BOB, 0.0)
    assert rates.tell(BOB, 0.0)


def test_command_words_are_counted_apart() -> None:
    rates = RateLimits(Limits(messages_per_minute=2))
    assert [rates.take(ADA), rates.take(ADA), rates.take(ADA, command=True)] == [None, None, None]
    assert rates.take(ADA) is not None
    assert rates.take(ADA, command=True) is None
    assert rates.take(ADA, command=True) is not None
    assert rates.take(BOB, command=True) is None


def test_a_limit_says_when_it_is_over() -> None:
    assert too_many(12.4).endswith("Send it again in 12 seconds.")


class Ticks:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_moves_with_its_events() -> None:
    ticks = Ticks()
    rates = RateLimits(Limits(messages_per_minute=2), ticks)
    assert rates.take(ADA) is None
    ticks.now += 30
    assert rates.take(ADA) is None
    assert rates.take(ADA) == 30
    ticks.now += 30
    assert rates.take(ADA) is None
    assert rates.take(ADA) == 30


def test_a_wall_clock_that_goes_back_locks_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks, day = Ticks(), 86_400
    rates = RateLimits(Limits(messages_per_minute=1), ticks)
    assert rates.take(ADA) is None
    assert rates.tell(ADA, rates.take(ADA) or 0)
    yesterday = time.time() - day
    monkeypatch.setattr(time, "time", lambda: yesterday)
    assert (rates.take(ADA) or 0) <= 60
    ticks.now += 60
    assert rates.take(ADA) is None
    assert rates.tell(ADA, 60)
