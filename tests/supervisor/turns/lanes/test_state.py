"""A lane's phases, the turns that it counts, and the interrupts that meet a turn before it begins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol.messages import MessageId
from supervisor.store.records.turn import Turn
from supervisor.turns.lanes.state import BEGINNING, LanePhase, LaneState
from tests.supervisor.turn_records import turn

P = LanePhase
M1, M2 = MessageId("m1"), MessageId("m2")

Event = Callable[[LaneState], object]

look_began, look_ended = LaneState.look_began, LaneState.look_ended
opening_began, opening_ended = LaneState.opening_began, LaneState.opening_ended
turn_ended, turn_follows = LaneState.turn_ended, LaneState.turn_follows
turn_queued, queue_unknown, broke = LaneState.turn_queued, LaneState.queue_unknown, LaneState.broke
take, nothing_taken, take_failed = LaneState.take, LaneState.nothing_taken, LaneState.take_failed


def turn_began(message_id: MessageId) -> Event:
    return partial(LaneState.turn_began, message_id=message_id)


def turn_given(given_turn: Turn) -> Event:
    return partial(LaneState.turn_given, turn=given_turn)


def turns_taken(count: int) -> Event:
    return partial(LaneState.turns_taken, count=count)


def interrupt(by: MessageId | None = None) -> Event:
    return partial(LaneState.interrupt, by=by)


def state(*events: Event) -> LaneState:
    """Return the state of a lane after some events."""
    lane = LaneState()
    for event in events:
        event(lane)
    return lane


# -- phases


def test_a_lane_opens_a_process_runs_a_turn_and_what_follows_it_and_is_idle_again() -> None:
    lane = LaneState()
    phases = [lane.phase]
    for event in (
        look_began,
        opening_began,
        opening_ended,
        turn_began(M1),
        turn_ended,
        turn_follows,
        turn_began(M2),
        turn_ended,
        look_ended,
    ):
        assert not event(lane)
        phases.append(lane.phase)
    assert phases == [
        P.IDLE,
        P.LOOKING,
        P.OPENING,
        P.LOOKING,
        P.RUNNING,
        P.COMPLETING,
        P.LOOKING,
        P.RUNNING,
        P.COMPLETING,
        P.IDLE,
    ]


@pytest.mark.parametrize(
    "before",
    [
        (),
        (look_began,),
        (look_began, opening_began),
        (look_began, turn_began(M1)),
        (look_began, turn_began(M1), turn_ended),
    ],
)
def test_an_attempt_may_be_over_in_every_phase(before: tuple[Event, ...]) -> None:
    lane = state(*before)
    lane.look_ended()
    assert lane.phase is P.IDLE


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ((), turn_began(M1)),
        ((look_began, turn_began(M1)), turn_began(M2)),
        ((look_began, turn_began(M1)), look_began),
        ((look_began, turn_began(M1)), opening_began),
        ((look_began, opening_began), turn_began(M1)),
        ((look_began,), turn_ended),
    ],
)
def test_a_lane_never_runs_two_turns_nor_one_without_looking_for_it(before: tuple[Event, ...], event: Event) -> None:
    lane = state(*before)
    phase = lane.phase
    with pytest.raises(AssertionError, match="a lane that is"):
        event(lane)
    assert lane.phase is phase


# -- turns that wait


def test_a_turn_that_t1_has_started_runs_first_and_takes_none_of_those_that_wait() -> None:
    given_turn = turn()
    lane = state(turn_queued, turn_given(given_turn))
    assert lane.take() is given_turn
    assert (lane.given, lane.waiting, lane.has_work) == (None, 1, True)
    assert lane.take() is None


def test_turns_that_are_gathered_into_one_prompt_wait_no_longer() -> None:
    lane = state(turn_queued, turn_queued, turn_queued, take)
    lane.turns_taken(2)
    assert (lane.waiting, lane.has_work) == (1, True)
    lane.take()
    lane.turns_taken(1)
    assert (lane.waiting, lane.has_work) == (0, False)


def test_what_is_queued_while_the_store_is_asked_counts() -> None:
    lane = state(turn_queued, take, turn_queued, turns_taken(1))
    assert lane.waiting == 1


def test_a_lane_stops_when_nothing_can_be_taken_unless_something_came_meanwhile() -> None:
    assert not state(turn_queued, take, nothing_taken).has_work
    assert not state(queue_unknown, take, nothing_taken).has_work
    assert state(turn_queued, take, turn_queued, nothing_taken).waiting == 1
    assert state(turn_queued, take, queue_unknown, nothing_taken).waiting is None


def test_a_refused_take_loses_no_turn() -> None:
    assert state(turn_queued, take, turn_queued, take_failed).waiting == 2
    assert state(queue_unknown, take, turn_queued, take_failed).waiting is None


def test_an_unknown_number_stays_unknown_until_nothing_is_left() -> None:
    lane = state(queue_unknown, turn_queued, take, turns_taken(1))
    assert (lane.waiting, lane.has_work) == (None, True)
    assert state(turn_queued, take, queue_unknown, turns_taken(1)).waiting is None


def test_more_turns_than_were_told_of_may_be_taken() -> None:
    assert state(turn_queued, take, turns_taken(3)).waiting == 0


def test_a_broken_lane_keeps_only_the_turn_that_t1_has_started() -> None:
    assert not state(turn_queued, queue_unknown, broke).has_work
    assert state(turn_given(turn()), broke).has_work


# -- interrupts


@pytest.mark.parametrize("by", [None, M2])
@pytest.mark.parametrize("before", [(look_began,), (look_began, opening_began)])
def test_an_interrupt_meets_the_turn_that_begins_next_and_no_other(
    before: tuple[Event, ...], by: MessageId | None
) -> None:
    lane = state(*before)
    assert lane.interrupt(by)
    if lane.phase is P.OPENING:
        lane.opening_ended()
    assert lane.turn_began(M1)
    lane.turn_ended()
    lane.turn_follows()
    assert not lane.turn_began(M1)


def test_a_message_does_not_interrupt_its_own_turn() -> None:
    lane = state(look_began, interrupt(by=M1))
    assert not lane.turn_began(M1)
    lane = state(look_began, interrupt(by=M1), interrupt())
    assert lane.turn_began(M1), "a person interrupts it as well"


@pytest.mark.parametrize("before", [(), (look_began, turn_began(M1)), (look_began, turn_began(M1), turn_ended)])
def test_there_is_nothing_to_interrupt_where_no_turn_is_about_to_begin(before: tuple[Event, ...]) -> None:
    lane = state(*before)
    assert not lane.interrupt()
    lane.look_ended()
    lane.look_began()
    assert not lane.turn_began(M1)


def test_an_interrupt_is_over_with_the_attempt_that_it_was_meant_for() -> None:
    lane = state(look_began, interrupt(), interrupt(by=M2), look_ended, look_began)
    assert not lane.turn_began(M1)


# -- any sequence

NOTES: st.SearchStrategy[Event] = st.sampled_from([turn_queued, queue_unknown, interrupt(), interrupt(M2)])
RESULTS: st.SearchStrategy[Event] = st.sampled_from([turns_taken(1), turns_taken(2), nothing_taken, take_failed])


@given(st.lists(st.tuples(RESULTS, st.lists(NOTES, max_size=3)), max_size=20))
def test_no_turn_that_is_queued_is_forgotten_while_the_store_has_more(
    attempts: list[tuple[Event, list[Event]]],
) -> None:
    lane = LaneState()
    for result, notes in attempts:
        lane.look_began()
        assert lane.take() is None
        for note in notes:
            note(lane)
        result(lane)
        queued = turn_queued in notes or queue_unknown in notes
        if queued and result in (nothing_taken, take_failed):
            assert lane.has_work
        assert lane.waiting is None or lane.waiting >= 0
        assert lane.phase in BEGINNING
        lane.look_ended()
