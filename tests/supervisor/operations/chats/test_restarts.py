"""Chats over a crash: what only read runs again; of what may have written, the person is told and decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor.delivery.replies import reply_id
from supervisor.protocol.events import AnyEvent, ClaudeCodeDelta
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.status import TurnState
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, text_message
from tests.waiting import until

C1 = SessionId("c1")


def core_in(folder: Path, *, recovering: bool = True) -> Core:
    """Return a core with scripted connectors; a second one is the daemon after a kill: the first closed nothing."""
    return Core(folder, connector=ScriptedConnector(), assistant=ScriptedConnector(), recovering=recovering)


def assistant(core: Core) -> ScriptedConnector:
    """Return the connector of the assistant."""
    assert isinstance(core.assistant_connector, ScriptedConnector)
    return core.assistant_connector


async def begin(core: Core, *events: dict[str, Any]) -> MessageId:
    """Write a message that is being answered when the daemon is killed, with the tool calls that had started."""
    alice = core.directory.user("alice")
    await core.api.chat.open(alice, C1)
    taken = await core.api.chat.submit(alice, C1, "hold on")
    await until(assistant(core).held, "it is being answered")
    turn = (await result(core, taken.message_id)).turn
    for event in events:
        await core.store.turns.record_event(turn.id, event.pop("kind", "tool_allowed"), event, now_ms=1)
    return taken.message_id


@pytest.mark.parametrize("events", [(), ({"kind": "tool_started", "id": "t1", "summary": "find Ann"},)])
async def test_an_answer_whose_tools_only_read_begins_again_and_says_so(
    tmp_path: Path, events: tuple[dict[str, Any], ...]
) -> None:
    async with core_in(tmp_path) as before:
        message_id = await begin(before, *events)
        async with core_in(tmp_path, recovering=False) as after:
            heard: list[AnyEvent] = []
            after.hub.subscribe(f"session:{C1}", heard.append)
            found = await after.recovery.run()
            assert (found.sessions, found.requeued, found.interrupted) == (0, 1, 0)
            await until(assistant(after).held, "it is answered again")
            assistant(after).release("here")
            end = await after.api.chat.wait(message_id)
            assert end.result.answer == "here"
            deltas = [one.text for one in heard if isinstance(one, ClaudeCodeDelta)]
            assert deltas == ["\n\n(started again after a restart)\n\n", "so far"]
            assert await after.store.ledger.disagreements() == []


async def test_of_calls_that_may_have_written_the_person_is_told_and_decides(tmp_path: Path) -> None:
    async with core_in(tmp_path) as before:
        reading = {"kind": "tool_started", "id": "t1", "summary": "find Ann"}
        writing = {"id": "t2", "summary": "swap Ann and Bob"}
        message_id = await begin(before, reading, writing)
        async with core_in(tmp_path) as after:
            chat, alice = after.api.chat, after.directory.user("alice")
            end = await chat.wait(message_id)
            assert end.result.state is TurnState.INTERRUPTED
            told = (await chat.history(alice, C1))[1]
            assert told.error.startswith("the daemon was restarted while it ran.")
            assert "swap Ann and Bob" in told.content
            code = told.content.split("CONTINUE ")[1][:5]
            assert assistant(after).prompts == []
            taken = await chat.submit(alice, C1, f"CONTINUE {code}")
            assert taken.told is None
            answer = (await chat.wait(taken.message_id)).result.answer
            assert answer.startswith('Your work on the message "hold on" was interrupted')
            assert "swap Ann and Bob" in assistant(after).histories[-1][0].answer
            again = await chat.submit(alice, C1, f"CONTINUE {code}")
            assert again.told is not None


async def test_a_text_message_goes_on_with_a_chat(tmp_path: Path) -> None:
    async with core_in(tmp_path) as before:
        message_id = await begin(before, {"id": "t1", "summary": "swap Ann and Bob"})
        async with core_in(tmp_path) as after:
            chat, alice = after.api.chat, after.directory.user("alice")
            await chat.wait(message_id)
            told = (await chat.history(alice, C1))[1]
            code = told.content.split("CONTINUE ")[1][:5]
            receipt = await after.intake.accept(text_message(f"continue {code}"))
            assert receipt.message_id is not None
            await chat.wait(receipt.message_id)
            assert [one.message_id for one in await chat.history(alice, C1)][-1] == receipt.message_id
            reply = await after.store.outbox.get(reply_id(receipt.message_id))
            assert reply is not None
            assert reply.text.startswith('Your work on the message "hold on" was interrupted')
            ordinary = await after.intake.accept(text_message("and what is the weather?"))
            assert ordinary.message_id is not None
            await chat.wait(ordinary.message_id)
            assert len(await chat.history(alice, C1)) == 4
