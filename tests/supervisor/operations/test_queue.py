"""The queue is listed in order; a message is removed from it once, and its sender is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.operations.queue import MessageNotWaiting
from supervisor.protocol.errors import MessageNotFound
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import now_ms
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import connect, result, scripted, send, text_message
from tests.waiting import until


async def test_a_queued_message_is_removed_and_the_others_run(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        caller, line = core.directory.caller(OPERATOR), core.queue
        running = await core.intake.accept(text_message("claude: hold on"))
        await until(scripted(core).held, "it runs")
        second = await core.intake.accept(text_message("claude: second"))
        third = await core.intake.accept(text_message("claude: third"))
        waiting = await line.list(caller, None, limit=9)
        assert [turn.text for turn in waiting] == ["second", "third"]
        bob = core.directory.caller(await core.token("bob"))
        assert await line.list(bob, None, limit=9) == []
        with pytest.raises(MessageNotFound):
            await line.cancel(bob, str(second.message_id))
        await line.cancel(caller, str(second.message_id))
        for message_id in (second.message_id, running.message_id):
            with pytest.raises(MessageNotWaiting, match="is not queued") as refused:
                await line.cancel(caller, str(message_id))
            assert refused.value.remedy
        scripted(core).release()

        async def over() -> bool:
            return (await result(core, third.message_id)).turn.state is TurnState.COMPLETED

        await until(over, "the last is answered")
        assert [text for _, text in scripted(core).prompts] == ["hold on", "third"]
        assert (await result(core, second.message_id)).turn.state is TurnState.CANCELLED
        assert core.turns.queued == 0
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=1)
        assert row.text == "Queued: your message is next in the queue."


async def test_the_queue_of_a_session_holds_only_its_messages(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        caller = core.directory.caller(OPERATOR)
        await connect(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        await send(core, "second")
        found = await core.queue.list(caller, SessionId("s1"), limit=9)
        assert [turn.text for turn in found] == ["second"]
        scripted(core).release()
        with pytest.raises(MessageNotFound):
            await core.queue.cancel(caller, "nobodys")
