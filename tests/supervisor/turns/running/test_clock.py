"""The clock of a turn: it stands while people are asked and while all processes stand, and its limit with it."""

from __future__ import annotations

import math

import pytest

from supervisor.turns.running.clock import TurnClock

LIMIT = 600.0


class Time:
    """What a turn's clock reads: set by hand.

    Attributes:
        now: monotonic time, in seconds.
        stood: for how many seconds the processes stood so far.
    """

    def __init__(self) -> None:
        self.now = 100.0
        self.stood = 7.0

    def passes(self, seconds: float, *, in_outage: bool = False) -> None:
        """Let time pass; in an outage all processes stand."""
        self.now += seconds
        self.stood += seconds if in_outage else 0.0


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> TurnClock:
    """Return the clock of a turn that may work for ten minutes from now."""
    clock = TurnClock(lambda: time.now)
    clock.limit(LIMIT)
    return clock


def test_a_turn_uses_its_time_up_while_it_works(clock: TurnClock, time: Time) -> None:
    assert clock.left() == LIMIT
    time.passes(LIMIT - 1)
    assert clock.left() == 1
    time.passes(1)
    assert clock.left() == 0
    time.passes(5)
    assert clock.left() == -5


def test_the_time_before_the_limit_is_set_does_not_count(time: Time) -> None:
    clock = TurnClock(lambda: time.now)
    assert clock.left() == math.inf
    time.passes(30)
    clock.limit(LIMIT)
    assert clock.left() == LIMIT


def test_the_clock_stands_while_people_are_asked_also_where_questions_overlap(clock: TurnClock, time: Time) -> None:
    assert not clock.is_asking
    with clock.asking():
        time.passes(20)
        with clock.asking():
            time.passes(300)
        assert clock.is_asking
        assert clock.left() == LIMIT
        time.passes(5)
    assert not clock.is_asking
    time.passes(10)
    assert clock.left() == LIMIT - 10


def give_up(clock: TurnClock, time: Time) -> None:
    """Ask a person for 20 s, in vain."""
    with clock.asking():
        time.passes(20)
        raise TimeoutError


def test_the_clock_goes_on_after_a_question_that_was_given_up(clock: TurnClock, time: Time) -> None:
    with pytest.raises(TimeoutError):
        give_up(clock, time)
    time.passes(10)
    assert (clock.is_asking, clock.left()) == (False, LIMIT - 10)


def test_an_outage_while_people_are_asked_stops_the_clock_once(clock: TurnClock, time: Time) -> None:
    clock.stand_with(lambda: time.stood)
    time.passes(20, in_outage=True)
    with clock.asking():  # in an outage that ends before the answer, and another that does not
        time.passes(30, in_outage=True)
        time.passes(40)
        time.passes(50, in_outage=True)
    time.passes(60, in_outage=True)
    assert clock.left() == LIMIT
    time.passes(10)
    assert clock.left() == LIMIT - 10


def test_a_turn_neither_gains_nor_loses_time_when_it_gets_its_driver_in_a_question(
    clock: TurnClock, time: Time
) -> None:
    with clock.asking():
        time.passes(30)
        clock.stand_with(lambda: 80.0)
        assert clock.left() == LIMIT
        time.passes(40)
    assert clock.left() == LIMIT
    time.passes(10)
    assert clock.left() == LIMIT - 10


def test_an_event_and_an_answer_are_signs_of_life_and_a_question_is_none(clock: TurnClock, time: Time) -> None:
    assert clock.heard == 100.0
    time.passes(20)
    clock.hear()
    assert clock.heard == 120.0
    time.passes(20)
    with clock.asking():
        assert clock.heard == 120.0
        time.passes(300)
    assert clock.heard == 440.0


def test_the_duration_of_a_turn_is_the_time_that_a_person_sees(clock: TurnClock, time: Time) -> None:
    clock.stand_with(lambda: time.stood)
    time.passes(1.5)
    with clock.asking():
        time.passes(2)
    time.passes(3, in_outage=True)
    assert clock.duration_ms == 6500
