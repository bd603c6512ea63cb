"""The contract of connectors: what each of them must do.

A connector joins with one line in the table of test_contract.py: a factory that gives a `Backend`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Exited,
    Failed,
    Finished,
    ModelEndpoint,
    Prompt,
    SessionSpec,
    TextDelta,
    ToolCall,
    Verdict,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.ports.connector import Connector, ConnectorHost, Conversation
from supervisor.protocol.status import Permissions
from tests.slowness import scaled
from tests.waiting import until


@dataclass
class PlainHost(ConnectorHost):
    """A host with the given secrets and folder."""

    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str) -> str | None:
        return self.secrets.get(name)

    @property
    def state_dir(self) -> str:
        return str(self.folder)

    @property
    def own_folders(self) -> Sequence[str]:
        return [str(self.folder)]


async def allow_everything(call: ToolCall) -> Verdict:
    return Verdict(allowed=True)


def session_spec(
    folder: Path,
    *,
    endpoint: ModelEndpoint | None = None,
    model: str | None = None,
    turn_timeout: float = scaled(60.0),
) -> SessionSpec:
    """Return a session whose project and home are below `folder`."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    return SessionSpec(
        id=SessionId("session-1"),
        conversation_id=uuid7(),
        resume=False,
        user_id=UserId("alice"),
        project=ProjectName("demo"),
        project_path=str(project),
        permissions=Permissions.EDIT,
        model=model,
        home=str(folder / "home"),
        endpoint=endpoint,
        decide=allow_everything,
        turn_timeout=turn_timeout,
    )


def new_prompt(text: str) -> Prompt:
    return Prompt(message_id=MessageId(uuid7()), text=text)


class Listener:
    """Reads the events of a conversation, in the only task that does."""

    def __init__(self, conversation: Conversation) -> None:
        self.events: list[ConversationEvent] = []
        self._task = asyncio.create_task(self._read(conversation), name="listener")

    async def _read(self, conversation: Conversation) -> None:
        async for event in conversation.events():
            self.events.append(event)

    @property
    def outcomes(self) -> list[Finished | Failed]:
        return [event for event in self.events if isinstance(event, Finished | Failed)]

    @property
    def streamed(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    async def outcome(self, number: int = 1) -> Finished | Failed:
        """Wait for the outcome of the turn of that number, 1 for the first."""
        await until(lambda: len(self.outcomes) >= number, f"outcome {number}")
        return self.outcomes[number - 1]

    async def end(self) -> None:
        """Wait until the events end."""
        await asyncio.wait_for(self._task, scaled(10))


@asynccontextmanager
async def opened(
    connector: Connector, session: SessionSpec, history: Sequence[Exchange] = ()
) -> AsyncIterator[tuple[Conversation, Listener]]:
    """Open a conversation with its reader; at the end close it, and wait for the end of its events."""
    conversation = await connector.open(session, history)
    listener = Listener(conversation)
    try:
        yield conversation, listener
    finally:
        await conversation.close()
        await listener.end()


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A connector with something real behind it.

    Attributes:
        quick: a prompt that is answered.
        slow: a prompt whose turn does not end by itself within a minute; None where every answer comes at once.
        slow_runs: whether the slow prompt has reached what answers it.
    """

    connector: Connector
    session: SessionSpec
    quick: str
    slow: str | None = None
    slow_runs: Callable[[Listener], bool | Awaitable[bool]] = lambda listener: bool(listener.streamed)


BackendFactory = Callable[[Path], AbstractAsyncContextManager[Backend]]


class ConnectorContract:
    """Subclassed by the test class that provides the fixtures `backend` and `slow_backend`."""

    async def test_a_prompt_ends_in_exactly_one_outcome_with_its_id(self, backend: Backend) -> None:
        async with opened(backend.connector, backend.session) as (conversation, listener):
            prompt = new_prompt(backend.quick)
            await conversation.prompt(prompt)
            outcome = await listener.outcome()
        assert isinstance(outcome, Finished)
        assert outcome.message_id == prompt.message_id
        assert listener.outcomes == [outcome]

    async def test_the_deltas_add_up_to_the_answer(self, backend: Backend) -> None:
        async with opened(backend.connector, backend.session) as (conversation, listener):
            await conversation.prompt(new_prompt(backend.quick))
            outcome = await listener.outcome()
        assert isinstance(outcome, Finished)
        assert outcome.text
        assert listener.streamed == outcome.text

    async def test_two_prompts_in_a_row_are_answered_in_order(self, backend: Backend) -> None:
        first, second = new_prompt(backend.quick), new_prompt(backend.quick)
        async with opened(backend.connector, backend.session) as (conversation, listener):
            await conversation.prompt(first)
            await conversation.prompt(second)
            await listener.outcome(2)
        assert [outcome.message_id for outcome in listener.outcomes] == [first.message_id, second.message_id]

    async def test_events_end_with_exited_after_close(self, backend: Backend) -> None:
        async with opened(backend.connector, backend.session) as (conversation, listener):
            await conversation.prompt(new_prompt(backend.quick))
            await listener.outcome()
        assert listener.events[-1] == Exited()
        assert [type(event) for event in listener.events].count(Exited) == 1

    async def test_close_twice_is_harmless(self, backend: Backend) -> None:
        async with opened(backend.connector, backend.session) as (conversation, listener):
            await asyncio.gather(conversation.close(), conversation.close())
            await conversation.close()
        assert listener.events == [Exited()]

    async def test_a_prompt_after_close_was_certainly_not_written(self, backend: Backend) -> None:
        async with opened(backend.connector, backend.session) as (conversation, listener):
            await conversation.close()
            with pytest.raises(ConnectionFailed):
                await conversation.prompt(new_prompt(backend.quick))
        assert listener.events == [Exited()]

    async def test_interrupt_with_nothing_running_is_harmless(self, backend: Backend) -> None:
        async with opened(backend.connector, backend.session) as (conversation, listener):
            await conversation.interrupt()
            await conversation.prompt(new_prompt(backend.quick))
            assert isinstance(await listener.outcome(), Finished)
            await conversation.interrupt()
            await conversation.prompt(new_prompt(backend.quick))
            assert isinstance(await listener.outcome(2), Finished)
        assert len(listener.outcomes) == 2

    async def test_cancelling_the_reader_loses_and_leaks_nothing(self, backend: Backend) -> None:
        before = asyncio.all_tasks()
        conversation = await backend.connector.open(backend.session, ())
        reader = asyncio.create_task(_drain(conversation), name="first reader")
        await conversation.prompt(new_prompt(backend.quick))
        reader.cancel()
        await asyncio.wait({reader})
        assert reader.cancelled()
        listener = Listener(conversation)
        prompt = new_prompt(backend.quick)
        await conversation.prompt(prompt)
        await until(lambda: [o for o in listener.outcomes if o.message_id == prompt.message_id], "the second outcome")
        await conversation.close()
        await listener.end()
        await until(lambda: asyncio.all_tasks() <= before, "no task left")

    async def test_interrupt_ends_the_turn_as_interrupted(self, slow_backend: Backend) -> None:
        assert slow_backend.slow is not None
        async with opened(slow_backend.connector, slow_backend.session) as (conversation, listener):
            prompt = new_prompt(slow_backend.slow)
            await conversation.prompt(prompt)
            await until(lambda: slow_backend.slow_runs(listener), "the slow turn runs")
            await conversation.interrupt()
            outcome = await listener.outcome()
            assert isinstance(outcome, Failed)
            assert outcome.message_id == prompt.message_id
            assert outcome.interrupted
            assert not outcome.timed_out
            assert outcome.partial == listener.streamed
            after = new_prompt(slow_backend.quick)
            await conversation.prompt(after)
            answer = await listener.outcome(2)
            assert isinstance(answer, Finished)
            assert answer.message_id == after.message_id
        assert len(listener.outcomes) == 2

    async def test_interrupt_right_after_the_prompt_ends_it_once(self, slow_backend: Backend) -> None:
        assert slow_backend.slow is not None
        async with opened(slow_backend.connector, slow_backend.session) as (conversation, listener):
            await conversation.prompt(new_prompt(slow_backend.slow))
            await conversation.interrupt()
            await conversation.interrupt()
            outcome = await listener.outcome()
            assert isinstance(outcome, Failed)
            assert outcome.interrupted
        assert len(listener.outcomes) == 1

    async def test_close_in_a_turn_ends_it_once_before_exited(self, slow_backend: Backend) -> None:
        assert slow_backend.slow is not None
        async with opened(slow_backend.connector, slow_backend.session) as (conversation, listener):
            prompt = new_prompt(slow_backend.slow)
            await conversation.prompt(prompt)
            await until(lambda: slow_backend.slow_runs(listener), "the slow turn runs")
        assert [outcome.message_id for outcome in listener.outcomes] == [prompt.message_id]
        assert isinstance(listener.outcomes[0], Failed)
        assert isinstance(listener.events[-1], Exited)


async def _drain(conversation: Conversation) -> None:
    async for _ in conversation.events():
        pass
