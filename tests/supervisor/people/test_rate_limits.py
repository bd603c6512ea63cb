"""How often a person is told about a limit; how much they may send is a test of `Admission` and of the store."""

from __future__ import annotations

import time

import pytest

from supervisor.people.rate_limits import MovingWindow, RateLimits, too_many
from supervisor.protocol.messages import UserId

ADA, BOB = UserId("ada"), UserId("bob")


class Ticks:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_is_told_once_until_its_wait_is_over() -> None:
    rates = RateLimits()
    assert rates.tell(ADA, 60.0)
    assert not rates.tell(ADA, 60.0)
    assert rates.tell(BOB, 0.0)
    assert rates.tell(BOB, 0.0)


def test_a_limit_says_when_it_is_over() -> None:
    assert too_many(12.4).endswith("Send it again in 12 seconds.")


def test_a_window_moves_with_its_events() -> None:
    ticks = Ticks()
    window = MovingWindow(2, 60.0, ticks)
    assert window.take(ADA)
    ticks.now += 30
    assert window.take(ADA)
    assert not window.take(ADA)
    assert window.wait(ADA) == 30
    assert window.take(BOB)
    ticks.now += 30
    assert window.take(ADA)
    assert window.wait(ADA) == 30


def test_a_wall_clock_that_goes_back_silences_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks, day = Ticks(), 86_400
    rates = RateLimits(ticks)
    assert rates.tell(ADA, 60)
    yesterday = time.time() - day
    monkeypatch.setattr(time, "time", lambda: yesterday)
    assert not rates.tell(ADA, 60)
    ticks.now += 60
    assert rates.tell(ADA, 60)
