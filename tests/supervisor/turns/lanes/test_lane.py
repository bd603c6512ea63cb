"""A lane: one turn at a time, and who interrupts a turn that has not begun learns which turn it was."""

from __future__ import annotations

import asyncio

from supervisor.delivery.hub import Hub
from supervisor.protocol.messages import MessageId, ProjectName
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.lanes.name import LaneName
from supervisor.turns.running.turn import RunningTurn
from tests.supervisor.protocol.test_ports import LeastConversation
from tests.supervisor.turn_records import turn
from tests.waiting import until


def new_lane(name: str = "s1") -> Lane:
    return Lane(LaneName(name), ProjectName("site"))


def new_turn(message_id: str = "m1") -> RunningTurn:
    return RunningTurn(turn(message_id=MessageId(message_id)), Hub(), lambda number, event: None)


def test_a_fresh_lane_has_nothing_to_do() -> None:
    lane = new_lane()
    assert not lane.state.has_work
    assert not lane.is_busy
    assert (lane.running, lane.conversation, lane.task) == (None, None, None)


async def test_a_lane_is_busy_from_the_look_for_a_turn_to_its_end() -> None:
    lane, running, conversation = new_lane(), new_turn(), LeastConversation()
    lane.state.look_began()
    assert (lane.is_busy, lane.running) == (True, None)
    assert not lane.begin(running, conversation)
    assert (lane.is_busy, lane.running, lane.conversation) == (True, running, conversation)
    await lane.end()
    assert (lane.is_busy, lane.running, lane.conversation) == (False, None, None)
    lane.end_look()


async def test_a_started_turn_is_unbegun_until_it_begins() -> None:
    lane = new_lane()
    lane.state.look_began()
    assert not lane.has_unbegun, "it is only looked for"
    lane.started = True
    assert lane.has_unbegun
    lane.begin(new_turn(), LeastConversation())
    assert not lane.has_unbegun
    await lane.end()
    lane.end_look()
    lane.state.look_began()
    assert not lane.has_unbegun


async def test_a_turn_does_not_end_while_a_message_is_steered_into_it() -> None:
    lane, running = new_lane(), new_turn()
    lane.state.look_began()
    lane.begin(running, LeastConversation())
    async with lane.gate:
        ending = asyncio.create_task(lane.end(), name="end")
        await until(lambda: len(lane.gate._waiters or ()) == 1, "the end waits for the gate")
        assert lane.running is running
    await ending
    assert lane.running is None


async def test_who_interrupts_a_turn_that_has_not_begun_gets_it_when_it_begins() -> None:
    lane, running = new_lane(), new_turn()
    lane.state.look_began()
    interrupting = [asyncio.create_task(lane.interrupt_next(), name=f"interrupt {number}") for number in range(2)]
    await until(lambda: len(lane._interrupters) == 2, "both wait for the turn")
    interrupting[0].cancel()
    await asyncio.gather(interrupting[0], return_exceptions=True)
    assert lane.begin(running, LeastConversation()), "it is interrupted already"
    lane.tell_interrupters(running)
    assert await interrupting[1] is running


async def test_who_interrupts_learns_that_no_turn_began() -> None:
    lane = new_lane()
    assert await lane.interrupt_next() is None, "nothing is looked for"
    lane.state.look_began()
    interrupting = asyncio.create_task(lane.interrupt_next(), name="interrupt")
    await until(lambda: lane._interrupters, "it waits for the turn")
    lane.end_look()
    assert await interrupting is None
    lane.state.look_began()
    assert not lane.begin(new_turn(), LeastConversation()), "the interrupt is over"


async def test_a_message_interrupts_the_turn_before_its_own_and_once() -> None:
    for interrupted, message_id in ((True, "m1"), (False, "m2")):
        lane = new_lane()
        lane.state.look_began()
        lane.state.interrupt(by=MessageId("m2"))
        assert lane.begin(new_turn(message_id), LeastConversation()) is interrupted
        lane.end_look()
        lane.state.look_began()
        assert not lane.begin(new_turn("m1"), LeastConversation())
