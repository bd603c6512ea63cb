"""One conversation with the assistant: each prompt is answered in turn, by the model and its tools."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence

import anthropic
import httpx2

from connectors.assistant import failures
from connectors.assistant.calls import ToolCaller
from connectors.assistant.failures import UnreadableAnswer
from connectors.assistant.rounds import CallSettings, Rounds, Turn
from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Exited,
    Failed,
    Finished,
    Prompt,
    SessionSpec,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.tools import ToolOutput

logger = logging.getLogger(__name__)

STOPPED = "stopped on request"
CLOSED = "the conversation was closed"

ABANDONED_SECONDS = 1.0
"""How long the end of a conversation waits for tool calls that were cancelled, in seconds."""


class AssistantConversation(Conversation):
    """Calls the model through `client`, which it closes at the end.

    Events are queued in memory until they are read; `max_tokens`, `max_rounds` and the longest result of a tool bound
    their size.

    Args:
        tool_seconds: how long a tool call may take whose tool says nothing else.
    """

    def __init__(
        self,
        session: SessionSpec,
        client: anthropic.AsyncAnthropic,
        settings: CallSettings,
        history: Sequence[Exchange],
        *,
        tool_seconds: float,
    ) -> None:
        self._session = session
        self._client = client
        self._settings = settings
        self._history = list(history)
        self._tool_seconds = tool_seconds
        self._events: asyncio.Queue[ConversationEvent] = asyncio.Queue()
        self._turns: deque[Turn] = deque()  # the first one is being answered
        self._task: asyncio.Task[Finished | Failed] | None = None
        self._abandoned: set[asyncio.Task[ToolOutput]] = set()
        self._closing = False
        self._exited = False
        self._close_lock = asyncio.Lock()

    async def prompt(self, prompt: Prompt) -> None:
        if self._closing:
            raise ConnectionFailed(CLOSED)
        self._turns.append(Turn(prompt))
        if self._task is None:
            self._start()

    async def interrupt(self) -> None:
        # A second cancellation would interrupt the clean-up after the first.
        if self._task is not None and not self._turns[0].stopped:
            self._turns[0].stopped = True
            self._task.cancel()

    async def close(self) -> None:
        self._closing = True
        async with self._close_lock:
            if self._exited:
                return
            await self.interrupt()
            if self._task is not None:
                await asyncio.wait({self._task})
            if self._abandoned:
                await asyncio.wait(self._abandoned, timeout=ABANDONED_SECONDS)
            await self._client.close()
            self._exited = True
            self._events.put_nowait(Exited())

    async def events(self) -> AsyncIterator[ConversationEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Exited):
                return

    def _start(self) -> None:
        turn = self._turns[0]
        self._task = asyncio.create_task(self._answer(turn), name=f"assistant turn {turn.prompt.message_id}")
        # A callback, because a task that is cancelled before its first step never runs its own code.
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Finished | Failed]) -> None:
        turn = self._turns.popleft()
        self._task = None
        self._events.put_nowait(self._outcome(turn, task))
        if self._closing:
            while self._turns:
                waiting = self._turns.popleft()
                self._events.put_nowait(Failed(message_id=waiting.prompt.message_id, why=CLOSED, interrupted=True))
        elif self._turns:
            self._start()

    def _outcome(self, turn: Turn, task: asyncio.Task[Finished | Failed]) -> Finished | Failed:
        message_id = turn.prompt.message_id
        if task.cancelled():
            why = CLOSED if self._closing else STOPPED
            return Failed(message_id=message_id, why=why, partial=turn.text, interrupted=True)
        error = task.exception()
        if error is None:
            return task.result()
        logger.error("%s: turn %s broke", self._session.id, message_id, exc_info=error)
        return Failed(
            message_id=message_id,
            why="the assistant failed; the operator finds the details in the log",
            partial=turn.text,
        )

    async def _answer(self, turn: Turn) -> Finished | Failed:
        message_id = turn.prompt.message_id
        if self._session.tools is not None:
            await self._session.tools.settle()
        rounds = self._rounds(turn)
        try:
            stop_reason = await rounds.answer()
        except TimeoutError:
            why = f"the model did not answer within {self._settings.turn_timeout:g} seconds; try again"
            return Failed(message_id=message_id, why=why, partial=turn.text, timed_out=True)
        except (anthropic.APIError, httpx2.TransportError) as error:
            # Only the class: the message of an error may quote the text of a person.
            status = getattr(error, "status_code", None)
            logger.warning(
                "%s: turn %s failed: %s %s", self._session.id, message_id, type(error).__name__, status or ""
            )
            return Failed(
                message_id=message_id,
                why=failures.sentence(error, model=self._settings.model),
                partial=turn.text,
                timed_out=failures.is_timeout(error),
            )
        except UnreadableAnswer:
            return Failed(message_id=message_id, why=failures.UNREADABLE, partial=turn.text)
        if stop_reason is None:
            return Failed(message_id=message_id, why=failures.ENDED_EARLY, partial=turn.text)
        text = turn.text
        if not text.strip():
            return Failed(message_id=message_id, why=failures.EMPTY)
        self._history.append(Exchange(prompt=turn.prompt.text, answer=text, calls=tuple(rounds.calls)))
        return Finished(message_id=message_id, text=text, stop_reason=stop_reason)

    def _rounds(self, turn: Turn) -> Rounds:
        session, emit = self._session, self._events.put_nowait
        caller = ToolCaller(
            session.id,
            session.tools,
            session.decide,
            seconds=self._tool_seconds,
            abandoned=self._abandoned,
            emit=emit,
        )
        return Rounds(
            session.id,
            self._client,
            self._settings,
            turn,
            history=self._history,
            caller=caller,
            emit=emit,
            joining=session.joining,
        )
