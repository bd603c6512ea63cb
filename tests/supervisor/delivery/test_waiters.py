"""Whoever waits for a message's end is told, and nobody is left behind."""

from __future__ import annotations

import pytest

from supervisor.delivery.waiters import Waiters
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import ConnectionFailed, TurnFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import TurnState
from supervisor.store.records.result import Result
from tests.supervisor.turn_records import turn

ONE, TWO = MessageId("m1"), MessageId("m2")

RESULT = Result(
    turn=turn(),
    state=TurnState.COMPLETED,
    answer="done",
    answer_id=None,
    why="",
    stop_reason="end_turn",
    duration_ms=1,
    cost_nanos=0,
    tokens=Tokens(),
    ended_ms=1,
)


async def test_everybody_who_waits_for_a_message_gets_its_result() -> None:
    waiters = Waiters()
    with waiters.expect(ONE) as first, waiters.expect(ONE) as second, waiters.expect(TWO) as other:
        waiters.resolve(ONE, RESULT)
        assert await first is await second is RESULT
        assert not other.done()


async def test_everybody_who_waits_for_a_message_gets_its_error() -> None:
    waiters = Waiters()
    with waiters.expect(ONE) as first, waiters.expect(ONE) as second:
        waiters.fail(ONE, TurnFailed("it broke"))
        for future in (first, second):
            with pytest.raises(TurnFailed, match="it broke"):
                await future


async def test_a_result_without_waiters_is_harmless() -> None:
    waiters = Waiters()
    waiters.resolve(ONE, RESULT)
    waiters.fail(ONE, TurnFailed("it broke"))
    waiters.fail_all(TurnFailed("it broke"))


async def test_only_the_first_end_counts() -> None:
    waiters = Waiters()
    with waiters.expect(ONE) as future:
        waiters.resolve(ONE, RESULT)
        waiters.fail(ONE, TurnFailed("later"))
        assert await future is RESULT


async def test_one_who_stops_waiting_does_not_disturb_the_others() -> None:
    waiters = Waiters()
    with waiters.expect(ONE) as patient:
        with waiters.expect(ONE) as hasty:
            pass
        assert hasty.cancelled()
        waiters.resolve(ONE, RESULT)
        assert await patient is RESULT


async def test_one_whose_wait_was_cancelled_does_not_disturb_the_others() -> None:
    waiters = Waiters()
    with waiters.expect(ONE) as patient, waiters.expect(ONE) as gone:
        gone.cancel()
        waiters.fail(ONE, TurnFailed("it broke"))
        with pytest.raises(TurnFailed):
            await patient


async def test_an_error_that_is_not_retrieved_is_no_warning() -> None:
    waiters = Waiters()
    with waiters.expect(ONE):
        waiters.fail(ONE, TurnFailed("it broke"))


async def test_fail_all_leaves_no_future_pending() -> None:
    waiters = Waiters()
    with waiters.expect(ONE) as first, waiters.expect(TWO) as second:
        waiters.fail_all(ConnectionFailed("the daemon is shutting down"))
        for future in (first, second):
            with pytest.raises(ConnectionFailed):
                await future
