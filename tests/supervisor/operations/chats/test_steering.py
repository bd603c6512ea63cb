"""A message that is steered into the running answer of a chat: it joins at the next call of the model, or waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from supervisor.cluster import outages
from supervisor.operations.chats.chats import ChatOperations
from supervisor.protocol.conversation import Exchange, SessionSpec
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import TurnState
from supervisor.store.records.accounts import User
from supervisor.store.records.outcome import Outcome
from tests.fakes import ScriptedConnector, ScriptedConversation
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import Gate, result
from tests.waiting import until

C1 = SessionId("c1")


class RoundsConversation(ScriptedConversation):
    """Asks for prompts that came meanwhile where a test says that a tool call has ended."""

    async def next_round(self) -> list[str]:
        """Call the model again; return what it reads besides the results of the tools."""
        assert self.spec.joining is not None
        return [prompt.text for prompt in await self.spec.joining()]


class RoundsConnector(ScriptedConnector):
    """Opens `RoundsConversation`s."""

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        conversation = RoundsConversation(self, session, len(self.opened))
        self.opened.append(conversation)
        self.histories.append(list(history))
        return conversation


@asynccontextmanager
async def answering(
    folder: Path, crash: Callable[[str], None] | None = None
) -> AsyncIterator[tuple[Core, ChatOperations, User, RoundsConversation]]:
    """Yield a core with the chat c1 of alice, whose message "hold on" is being answered in the conversation."""
    connector = RoundsConnector()
    async with Core(folder, connector=ScriptedConnector(), assistant=connector, crash=crash) as core:
        alice = core.directory.user("alice")
        await core.api.chat.open(alice, C1)
        await core.api.chat.submit(alice, C1, "hold on")
        await until(connector.held, "it is being answered")
        conversation = connector.opened[0]
        assert isinstance(conversation, RoundsConversation)
        yield core, core.api.chat, alice, conversation


async def interrupted(core: Core, chat: ChatOperations, user: User) -> asyncio.Task[MessageId | None]:
    """Interrupt the answer that runs while nothing can be written; return what becomes of the interrupt.

    It is noted in the store once something can be.
    """
    running = core.turns.running(C1)
    assert running is not None
    stopping = asyncio.create_task(chat.interrupt(user, C1))
    await until(running.ended.done, "the answer has ended")
    return stopping


def prompts(core: Core) -> list[str]:
    """Return what the assistant was prompted with."""
    assert isinstance(core.assistant_connector, ScriptedConnector)
    return [text for _, text in core.assistant_connector.prompts]


async def test_it_joins_at_the_next_call_of_the_model_and_one_answer_ends_both(tmp_path: Path) -> None:
    async with answering(tmp_path) as (core, chat, alice, conversation):
        (first,) = await chat.running(alice, C1)
        second = await chat.submit(alice, C1, "only May", mode=Mode.STEER)
        third = await chat.submit(alice, C1, "and June", mode=Mode.STEER)
        assert second.queued is not None
        assert await conversation.next_round() == ["only May", "and June"]
        assert await conversation.next_round() == []
        conversation.release("here")
        end = await chat.wait(first)
        assert (end.result.answer, end.result.joined) == ("here", (second.message_id, third.message_id))
        for taken in (second, third):
            assert (await chat.wait(taken.message_id)).result.state is TurnState.COMPLETED
        assert [one.content for one in await chat.history(alice, C1)] == ["hold on", "here", "only May", "and June"]
        assert prompts(core) == ["hold on"]
        assert await core.store.ledger.disagreements() == []


async def test_it_gets_an_answer_of_its_own_where_the_model_is_not_called_again(tmp_path: Path) -> None:
    async with answering(tmp_path) as (core, chat, alice, conversation):
        (first,) = await chat.running(alice, C1)
        second = await chat.submit(alice, C1, "only May", mode=Mode.STEER)
        conversation.release("here")
        assert (await chat.wait(first)).result.joined == ()
        assert (await chat.wait(second.message_id)).result.answer == "only May"
        assert prompts(core) == ["hold on", "only May"]


async def test_it_waits_behind_a_message_that_is_queued(tmp_path: Path) -> None:
    async with answering(tmp_path) as (_, chat, alice, conversation):
        await chat.submit(alice, C1, "then this")
        steered = await chat.submit(alice, C1, "only May", mode=Mode.STEER)
        assert await conversation.next_round() == []
        conversation.release("here")
        assert (await chat.wait(steered.message_id)).result.answer == "only May"


async def test_it_ends_with_the_answer_that_is_interrupted(tmp_path: Path) -> None:
    async with answering(tmp_path) as (core, chat, alice, conversation):
        (first,) = await chat.running(alice, C1)
        second = await chat.submit(alice, C1, "only May", mode=Mode.STEER)
        assert await conversation.next_round() == ["only May"]
        assert await chat.interrupt(alice, C1) == first
        assert (await chat.wait(first)).interrupted
        assert (await chat.wait(second.message_id)).interrupted
        assert prompts(core) == ["hold on"]


async def test_an_interrupt_while_it_joins_leaves_it_a_turn_of_its_own(tmp_path: Path) -> None:
    gate = Gate("join.before_commit")
    armed: list[Gate] = []
    async with answering(tmp_path, lambda point: armed[0](point) if armed else None) as (
        core,
        chat,
        alice,
        conversation,
    ):
        (first,) = await chat.running(alice, C1)
        second = await chat.submit(alice, C1, "only May", mode=Mode.STEER)
        armed.append(gate)
        joining = asyncio.create_task(conversation.next_round())
        await until(gate.reached.is_set, "it is being stored that it joins")
        joining.cancel()
        stopping = await interrupted(core, chat, alice)
        gate.open()
        assert await stopping == first
        assert (await chat.wait(first)).interrupted
        assert (await chat.wait(second.message_id)).result.answer == "only May"
        assert (await result(core, second.message_id)).turn.state is TurnState.COMPLETED


async def test_a_kill_between_the_ends_of_both_answers_nothing_twice(tmp_path: Path) -> None:
    async with answering(tmp_path) as (core, chat, alice, _):
        (first,) = await chat.running(alice, C1)
        second = await chat.submit(alice, C1, "only May", mode=Mode.STEER)
        host, store = (await result(core, first)).turn, core.store.turns
        part = await store.join(second.message_id, host.id, joined=(), queued=lambda _: (), now_ms=1)
        assert part is not None
        ended = Outcome(state=TurnState.COMPLETED, answer="here", hosts=True, includes=[part.id], now_ms=2)
        assert await store.finish(host.id, ended) is not None
        async with Core(tmp_path, connector=ScriptedConnector(), assistant=RoundsConnector()) as after:
            assert (await after.api.chat.wait(second.message_id)).result.state is TurnState.COMPLETED
            assert (await after.api.chat.wait(first)).result.joined == (second.message_id,)
            assert prompts(after) == []


async def test_a_message_that_was_cancelled_does_not_join(tmp_path: Path) -> None:
    async with answering(tmp_path) as (core, chat, alice, conversation):
        (first,) = await chat.running(alice, C1)
        second = await chat.submit(alice, C1, "only May", mode=Mode.STEER)
        await core.queue.cancel(core.directory.caller(await core.token("alice")), second.message_id)
        assert await conversation.next_round() == []
        conversation.release("here")
        assert (await chat.wait(first)).result.joined == ()


@asynccontextmanager
async def followed(folder: Path) -> AsyncIterator[tuple[Core, list[MessageId], Gate]]:
    """Yield a core in whose chat a turn has been interrupted while two messages joined it, too late for the model.

    They run next, one after the other, once the gate opens.
    """
    gate = Gate("join.before_commit")
    armed: list[Gate] = []
    async with answering(folder, lambda point: armed[0](point) if armed else None) as (core, chat, alice, conversation):
        late = [(await chat.submit(alice, C1, text, mode=Mode.STEER)).message_id for text in ("only May", "and June")]
        armed.append(gate)
        joining = asyncio.create_task(conversation.next_round())
        await until(gate.reached.is_set, "it is being stored that the first joins")
        joining.cancel()
        stopping = await interrupted(core, chat, alice)
        yield core, late, gate
        await stopping


async def refusing(*args: Any, **more: Any) -> Any:
    """Refuse to read a history, as the database does in an outage."""
    raise StorageError("the server does not answer")


async def test_a_turn_that_follows_fails_with_a_sentence_where_its_history_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "PATIENCE_SECONDS", 0.2)
    async with followed(tmp_path) as (core, late, gate):
        monkeypatch.setattr(core.store.turns, "exchanges", refusing)
        gate.open()
        await until(core.all_answered, "each has an outcome")
        for message_id in late:
            found = await result(core, message_id)
            assert (found.turn.state, found.why) == (TurnState.FAILED, "Storage failed: the server does not answer")
        await until(lambda: not core.turns.is_busy(C1), "its lane is free")


async def test_a_turn_that_follows_waits_for_the_database_and_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with followed(tmp_path) as (core, (first, second), gate):
        monkeypatch.setattr(core.store.turns, "exchanges", refusing)
        gate.open()
        await until(lambda: f"{first}: waits for the database" in caplog.text, "the first waits")
        stopped = await asyncio.wait_for(core.turns.interrupt_next(C1, "alice"), scaled(20))
        assert stopped is not None
        assert stopped.turn.message_id == first
        await until(lambda: f"{second}: waits for the database" in caplog.text, "the second waits in its place")
        monkeypatch.undo()
        await until(core.all_answered, "it runs")
        ends = [await result(core, message_id) for message_id in (first, second)]
        assert [found.turn.state for found in ends] == [TurnState.CANCELLED, TurnState.COMPLETED]
