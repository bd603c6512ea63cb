"""Two turns that follow each other in one process: each is charged, asks and is recorded for itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from supervisor.config import Queue
from supervisor.protocol.conversation import TextDelta, ToolCall
from supervisor.protocol.messages import MessageId, SessionId
from tests.supervisor.harness import Core
from tests.supervisor.helpers import Gate, result
from tests.supervisor.turns.test_steering import SteeringConnector, conversation, ended, held, text
from tests.waiting import until


async def test_no_call_of_the_turn_that_follows_is_decided_before_it_has_begun(tmp_path: Path) -> None:
    gate = Gate("finish.before_commit")
    async with Core(tmp_path, connector=SteeringConnector(), queue=Queue(mode="steer"), crash=gate) as core:
        first = await text(core, "hold the door")
        await held(core)
        second = await text(core, "apart hold the window")
        session_id = (await result(core, first)).turn.session_id
        live = core.sessions.live(SessionId(str(session_id)))
        assert live is not None
        assert (await live.decide(ToolCall(tool_use_id="s", name="Write", input={"file_path": "old"}))).allowed
        await conversation(core).end()  # the second begins in the process while the first is still being written down
        await until(gate.reached.is_set, "the end of the first is being written")
        call = ToolCall(tool_use_id="t", name="Write", input={"file_path": "new"})
        decided = asyncio.create_task(live.decide(call))
        conversation(core).put(TextDelta(text="!"))
        assert not (await result(core, first)).turn.state.final
        assert core.turns.running(str(session_id)) is None, "nothing has taken its place"
        assert not decided.done()
        gate.open()
        await ended(core, first)
        assert (await decided).allowed
        assert await tools(core, second) == ["Write new"], "it is recorded with the turn that it belongs to"
        assert await tools(core, first) == ["Write old"]
        conversation(core).release("held")
        assert (await ended(core, second)).answer == "held"


async def tools(core: Core, message_id: MessageId) -> list[str]:
    """Return the recorded tool calls of a message's turn."""
    return list((await core.completion.tools_of((await result(core, message_id)).turn)).values())
