"""A lane's phases, the turns that it counts, and the interrupts that meet a turn before it begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol.messages import MessageId
from supervisor.turns.lanes.state import (
    BEGINNING,
    Event,
    InterruptAsked,
    InterruptNext,
    InterruptTurn,
    LaneBroke,
    LanePhase,
    LaneState,
    LookBegan,
    LookEnded,
    NothingTaken,
    OpeningBegan,
    OpeningEnded,
    QueueUnknown,
    RunGiven,
    TakeAsked,
    TakeFailed,
    TakeFromStore,
    TurnBegan,
    TurnEnded,
    TurnFollows,
    TurnGiven,
    TurnQueued,
    TurnsTaken,
)
from tests.supervisor.turns.turn_records import turn

P = LanePhase
M1, M2 = MessageId("m1"), MessageId("m2")


def state(*events: Event) -> LaneState:
    """Return the state of a lane after some events."""
    lane = LaneState()
    for event in events:
        lane.on(event)
    return lane


# -- phases


def test_a_lane_opens_a_process_runs_a_turn_and_what_follows_it_and_is_idle_again() -> None:
    lane = LaneState()
    phases = [lane.phase]
    for event in (
        LookBegan(),
        OpeningBegan(),
        OpeningEnded(),
        TurnBegan(M1),
        TurnEnded(),
        TurnFollows(),
        TurnBegan(M2),
        TurnEnded(),
        LookEnded(),
    ):
        assert lane.on(event) == ()
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
        (LookBegan(),),
        (LookBegan(), OpeningBegan()),
        (LookBegan(), TurnBegan(M1)),
        (LookBegan(), TurnBegan(M1), TurnEnded()),
    ],
)
def test_an_attempt_may_be_over_in_every_phase(before: tuple[Event, ...]) -> None:
    lane = state(*before)
    lane.on(LookEnded())
    assert lane.phase is P.IDLE


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ((), TurnBegan(M1)),
        ((LookBegan(), TurnBegan(M1)), TurnBegan(M2)),
        ((LookBegan(), TurnBegan(M1)), LookBegan()),
        ((LookBegan(), TurnBegan(M1)), OpeningBegan()),
        ((LookBegan(), OpeningBegan()), TurnBegan(M1)),
        ((LookBegan(),), TurnEnded()),
    ],
)
def test_a_lane_never_runs_two_turns_nor_one_without_looking_for_it(before: tuple[Event, ...], event: Event) -> None:
    lane = state(*before)
    phase = lane.phase
    with pytest.raises(AssertionError, match="a lane that is"):
        lane.on(event)
    assert lane.phase is phase


# -- turns that wait


def test_a_turn_that_t1_has_started_runs_first_and_takes_none_of_those_that_wait() -> None:
    given_turn = turn()
    lane = state(TurnQueued(), TurnGiven(given_turn))
    assert lane.on(TakeAsked()) == (RunGiven(given_turn),)
    assert (lane.given, lane.waiting, lane.has_work) == (None, 1, True)
    assert lane.on(TakeAsked()) == (TakeFromStore(),)


def test_turns_that_are_gathered_into_one_prompt_wait_no_longer() -> None:
    lane = state(TurnQueued(), TurnQueued(), TurnQueued(), TakeAsked())
    lane.on(TurnsTaken(2))
    assert (lane.waiting, lane.has_work) == (1, True)
    lane.on(TakeAsked())
    lane.on(TurnsTaken(1))
    assert (lane.waiting, lane.has_work) == (0, False)


def test_what_is_queued_while_the_store_is_asked_counts() -> None:
    lane = state(TurnQueued(), TakeAsked(), TurnQueued(), TurnsTaken(1))
    assert lane.waiting == 1


def test_a_lane_stops_when_nothing_can_be_taken_unless_something_came_meanwhile() -> None:
    assert not state(TurnQueued(), TakeAsked(), NothingTaken()).has_work
    assert not state(QueueUnknown(), TakeAsked(), NothingTaken()).has_work
    assert state(TurnQueued(), TakeAsked(), TurnQueued(), NothingTaken()).waiting == 1
    assert state(TurnQueued(), TakeAsked(), QueueUnknown(), NothingTaken()).waiting is None


def test_a_refused_take_loses_no_turn() -> None:
    assert state(TurnQueued(), TakeAsked(), TurnQueued(), TakeFailed()).waiting == 2
    assert state(QueueUnknown(), TakeAsked(), TurnQueued(), TakeFailed()).waiting is None


def test_an_unknown_number_stays_unknown_until_nothing_is_left() -> None:
    lane = state(QueueUnknown(), TurnQueued(), TakeAsked(), TurnsTaken(1))
    assert (lane.waiting, lane.has_work) == (None, True)
    assert state(TurnQueued(), TakeAsked(), QueueUnknown(), TurnsTaken(1)).waiting is None


def test_more_turns_than_were_told_of_may_be_taken() -> None:
    assert state(TurnQueued(), TakeAsked(), TurnsTaken(3)).waiting == 0


def test_a_broken_lane_keeps_only_the_turn_that_t1_has_started() -> None:
    assert not state(TurnQueued(), QueueUnknown(), LaneBroke()).has_work
    assert state(TurnGiven(turn()), LaneBroke()).has_work


# -- interrupts


@pytest.mark.parametrize("by", [None, M2])
@pytest.mark.parametrize("before", [(LookBegan(),), (LookBegan(), OpeningBegan())])
def test_an_interrupt_meets_the_turn_that_begins_next_and_no_other(
    before: tuple[Event, ...], by: MessageId | None
) -> None:
    lane = state(*before)
    assert lane.on(InterruptAsked(by)) == (InterruptNext(),)
    if lane.phase is P.OPENING:
        lane.on(OpeningEnded())
    assert lane.on(TurnBegan(M1)) == (InterruptTurn(),)
    lane.on(TurnEnded())
    lane.on(TurnFollows())
    assert lane.on(TurnBegan(M1)) == ()


def test_a_message_does_not_interrupt_its_own_turn() -> None:
    lane = state(LookBegan(), InterruptAsked(by=M1))
    assert lane.on(TurnBegan(M1)) == ()
    lane = state(LookBegan(), InterruptAsked(by=M1), InterruptAsked())
    assert lane.on(TurnBegan(M1)) == (InterruptTurn(),), "a person interrupts it as well"


@pytest.mark.parametrize("before", [(), (LookBegan(), TurnBegan(M1)), (LookBegan(), TurnBegan(M1), TurnEnded())])
def test_there_is_nothing_to_interrupt_where_no_turn_is_about_to_begin(before: tuple[Event, ...]) -> None:
    lane = state(*before)
    assert lane.on(InterruptAsked()) == ()
    lane.on(LookEnded())
    lane.on(LookBegan())
    assert lane.on(TurnBegan(M1)) == ()


def test_an_interrupt_is_over_with_the_attempt_that_it_was_meant_for() -> None:
    lane = state(LookBegan(), InterruptAsked(), InterruptAsked(by=M2), LookEnded(), LookBegan())
    assert lane.on(TurnBegan(M1)) == ()


# -- any sequence

NOTES: st.SearchStrategy[Event] = st.sampled_from([TurnQueued(), QueueUnknown(), InterruptAsked(), InterruptAsked(M2)])
TAKES: st.SearchStrategy[tuple[Event, ...]] = st.sampled_from(
    [(TurnsTaken(1),), (TurnsTaken(2),), (NothingTaken(),), (TakeFailed(),)]
)


@given(st.lists(st.tuples(TAKES, st.lists(NOTES, max_size=3)), max_size=20))
def test_no_turn_that_is_queued_is_forgotten_while_the_store_has_more(
    attempts: list[tuple[tuple[Event, ...], list[Event]]],
) -> None:
    lane = LaneState()
    for (result,), notes in attempts:
        lane.on(LookBegan())
        assert lane.on(TakeAsked()) == (TakeFromStore(),)
        for note in notes:
            lane.on(note)
        lane.on(result)
        queued = any(isinstance(note, TurnQueued | QueueUnknown) for note in notes)
        if queued and not isinstance(result, TurnsTaken):
            assert lane.has_work
        assert lane.waiting is None or lane.waiting >= 0
        assert lane.phase in BEGINNING
        lane.on(LookEnded())
