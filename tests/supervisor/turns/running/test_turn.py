"""A running turn: what it collects, what it publishes, how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.delivery.hub import Hub
from supervisor.protocol import conversation as talk
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.events import OMIT, AnyEvent, ArtifactMade, ClaudeCodeDelta, ClaudeCodeTool, ToolCallBegun
from supervisor.protocol.messages import CHAT, MessageId
from supervisor.protocol.status import TurnState
from supervisor.store.records.turn import Turn
from supervisor.turns.running.clock import TurnClock
from supervisor.turns.running.turn import RunningTurn, state_of
from tests.supervisor.turn_records import turn

TOOL = talk.ToolStarted(tool_use_id="t1", name="Edit", input={"file_path": "x.py"})
RECORDED = list[tuple[int, talk.ToolStarted | talk.ToolFinished]]


def running(hub: Hub | None = None, recorded: RECORDED | None = None, of: Turn | None = None) -> RunningTurn:
    kept = recorded if recorded is not None else []
    return RunningTurn(of or turn(), hub or Hub(), lambda number, event: kept.append((number, event)))


async def test_a_turn_ends_once_with_its_own_answer() -> None:
    run = running()
    finished = talk.Finished(message_id=MessageId("m1"), text="done")
    run.on_event(talk.Finished(message_id=None, text="by itself"))
    run.on_event(talk.Failed(message_id=MessageId("m0"), why="an older one"))
    assert not run.ended.done()
    run.on_event(finished)
    run.on_event(talk.Failed(message_id=MessageId("m1"), why="too late"))
    run.fail("too late")
    assert await run.ended is finished


@pytest.mark.parametrize(
    ("why", "sentence"),
    [("signal 9", "its process ended: signal 9"), ("", "its process ended before it answered")],
)
async def test_a_process_that_ends_ends_its_turn_with_what_was_written(why: str, sentence: str) -> None:
    run = running()
    run.on_event(talk.TextDelta(text="Half an "))
    run.on_event(talk.TextDelta(text="answer"))
    run.on_event(talk.Exited(why=why))
    assert await run.ended == talk.Failed(message_id=MessageId("m1"), why=sentence, partial="Half an answer")


async def test_the_daemon_may_end_a_turn() -> None:
    run = running()
    run.on_event(talk.TextDelta(text="Half"))
    run.fail("no answer within 5 seconds", timed_out=True)
    assert await run.ended == talk.Failed(
        message_id=MessageId("m1"), why="no answer within 5 seconds", partial="Half", timed_out=True
    )


async def test_subscribers_of_the_session_and_of_the_user_see_text_and_tools_live() -> None:
    hub, of_session, of_user = Hub(), list[AnyEvent](), list[AnyEvent]()
    hub.subscribe("session:s1", of_session.append)
    hub.subscribe("user:ada", of_user.append)
    run = running(hub)
    run.on_event(talk.TextDelta(text="Hi"))
    run.on_event(TOOL)
    run.on_event(talk.ToolFinished(tool_use_id="t1", failed=False, result="ok"))
    run.on_event(talk.ToolFinished(tool_use_id="t9", failed=True, result="no"))
    assert of_session == of_user
    started = ClaudeCodeTool(
        session_id="s1", message_id="m1", tool_use_id="t1", name="Edit", status="started", input={"file_path": "x.py"}
    )
    assert of_session == [
        ClaudeCodeDelta(session_id="s1", message_id="m1", text="Hi"),
        started,
        replace(started, status="succeeded", input=OMIT, result="ok"),
        replace(started, tool_use_id="t9", name="", status="failed", input=OMIT, result="no"),
    ]


async def test_a_chat_sees_also_the_begin_of_a_call_and_its_artifact_and_nobody_else_does() -> None:
    hub, in_chat, of_user = Hub(), list[AnyEvent](), list[AnyEvent]()
    hub.subscribe("chat:s1", in_chat.append)
    hub.subscribe("user:ada", of_user.append)
    run = running(hub, of=turn(channel=CHAT, thread="s1"))
    run.on_event(talk.ToolBegun(tool_use_id="t1", name="Edit"))
    run.on_event(TOOL)
    done = talk.ToolFinished(tool_use_id="t1", failed=False, result="ok", structured={"rows": [1]}, kind="report")
    run.on_event(done)
    assert in_chat[0] == ToolCallBegun(session_id="s1", message_id="m1", tool_use_id="t1", name="Edit")
    assert [type(event) for event in in_chat[1:]] == [ClaudeCodeTool, ArtifactMade, ClaudeCodeTool]
    assert in_chat[2] == ArtifactMade(
        session_id="s1",
        message_id="m1",
        tool_use_id="t1",
        name="Edit",
        kind="report",
        title="Edit",
        data={"rows": [1]},
    )
    assert [type(event) for event in of_user] == [ClaudeCodeTool, ClaudeCodeTool]


async def test_tools_are_recorded_whether_anybody_watches_or_not() -> None:
    recorded: RECORDED = []
    run = running(recorded=recorded)
    finished = talk.ToolFinished(tool_use_id="t1", failed=True, result="denied")
    run.on_event(TOOL)
    run.on_event(finished)
    assert recorded == [(1, TOOL), (1, finished)]
    assert run.tools == 1


async def test_a_turn_of_the_assistant_shows_nothing_on_the_socket() -> None:
    hub, seen, recorded = Hub(), list[AnyEvent](), RECORDED()
    hub.subscribe("user:ada", seen.append)
    run = running(hub, recorded, turn(session_id=None))
    run.on_event(talk.TextDelta(text="Hi"))
    run.on_event(TOOL)
    assert seen == []
    assert (run.text, recorded) == (["Hi"], [(1, TOOL)])


async def test_the_connectors_own_figures_are_added_up_beside_ours() -> None:
    run = running()
    assert run.provider_nanos is None
    run.on_event(talk.UsageReported(model="m", tokens=Tokens(input=1)))
    assert run.provider_nanos is None
    run.on_event(talk.UsageReported(model="m", tokens=Tokens(input=1), provider_nanos=5))
    run.on_event(talk.UsageReported(model="m", tokens=Tokens(input=1), provider_nanos=6))
    assert run.provider_nanos == 11
    assert run.charges == []


async def test_a_figure_that_no_meter_of_ours_saw_is_the_charge() -> None:
    run = running()
    run.on_event(talk.UsageReported(model="far", tokens=Tokens(output=3), provider_nanos=9, authoritative=True))
    run.on_event(talk.UsageReported(model="far", tokens=Tokens(), authoritative=True))
    assert [(c.kind, c.model, c.tokens, c.nanos) for c in run.charges] == [
        ("model", "far", Tokens(output=3), 9),
        ("model", "far", Tokens(), None),  # unpriced, never 0
    ]
    assert len({c.ref for c in run.charges}) == 2


async def test_an_event_is_a_sign_of_life() -> None:
    now, run = [100.0], running()
    run.clock = TurnClock(lambda: now[0])
    now[0] += 20
    run.on_event(talk.TextDelta(text="Hi"))
    assert run.clock.heard == 120.0


async def test_the_clock_of_a_turn_stands_while_it_asks() -> None:
    run = running()
    with run.asking():
        assert run.clock.is_asking
    assert not run.clock.is_asking


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        (talk.Finished(message_id=None, text=""), TurnState.COMPLETED),
        (talk.Failed(message_id=None, why="it broke"), TurnState.FAILED),
        (talk.Failed(message_id=None, why="stopped", interrupted=True), TurnState.CANCELLED),
        (talk.Failed(message_id=None, why="too long", timed_out=True), TurnState.FAILED),
    ],
)
def test_how_a_turn_ended_is_its_state(ended: talk.Finished | talk.Failed, state: TurnState) -> None:
    assert state_of(ended) is state
