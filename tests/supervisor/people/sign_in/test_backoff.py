"""Whoever fails often waits, twice as long each time, and not for ever."""

from __future__ import annotations

import pytest

from supervisor.people.sign_in.backoff import FORGET_SECONDS, FREE, MOST_KEYS, MOST_SECONDS, Backoff


class Monotonic:
    """A clock of the tests, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.requirement(35)
def test_the_wait_doubles_up_to_a_bound() -> None:
    clock = Monotonic()
    backoff = Backoff(clock)
    waits = []
    for _ in range(1_000):
        backoff.failed("a")
        waits.append(backoff.wait("a"))
    assert waits[:FREE] == [0.0] * FREE
    assert waits[FREE : FREE + 4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == MOST_SECONDS
    assert backoff.wait("b") == 0.0
    clock.now += MOST_SECONDS
    assert backoff.wait("a") == 0.0


def test_success_and_time_forget() -> None:
    clock = Monotonic()
    backoff = Backoff(clock)
    for _ in range(FREE + 1):
        backoff.failed("a")
        backoff.failed("b")
    backoff.succeeded("a")
    assert backoff.wait("a") == 0.0
    clock.now += FORGET_SECONDS + 1
    backoff.failed("b")
    assert backoff.wait("b") == 0.0


def test_of_too_many_the_oldest_is_forgotten() -> None:
    backoff = Backoff(Monotonic())
    for _ in range(FREE + 1):
        backoff.failed("first")
    for number in range(MOST_KEYS):
        backoff.failed(number)
    assert backoff.wait("first") == 0.0
