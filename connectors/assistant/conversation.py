"""One conversation with the assistant: each prompt is answered in turn, by one streamed call of the model."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anthropic
import httpx2
from anthropic.types import Message

from connectors.assistant import failures
from connectors.assistant.failures import UnreadableAnswer
from connectors.assistant.history import messages_for
from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Exited,
    Failed,
    Finished,
    Prompt,
    TextDelta,
    Tokens,
    UsageReported,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.ports.connector import Conversation

if TYPE_CHECKING:
    from anthropic.lib.streaming import AsyncMessageStream, ParsedMessageStreamEvent

logger = logging.getLogger(__name__)

STOPPED = "stopped on request"
CLOSED = "the conversation was closed"

_CUT = "\n\n[The answer was cut off here: it reached the length limit.]"
_NOTES = {
    "max_tokens": _CUT,
    "model_context_window_exceeded": _CUT,
    "refusal": "\n\n[The model declined to answer this.]",
}
"""By stop reason: what is appended where the model did not finish its answer."""

_AGAIN = "\n\n[The answer became unreadable here. It begins again.]\n\n"
"""Shown to those who watch the answer arrive; the final answer holds neither this nor what stands before it."""

_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, httpx2.DecodingError)
"""What the client raises where a stream breaks the rules of its format; it checks only some of them by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """Settings of every call of the model.

    Attributes:
        max_tokens: most tokens of one answer.
        history_tokens: most tokens of the history in a request, by estimate.
        turn_timeout: seconds for one answer, with all retries.
    """

    model: str
    system_prompt: str
    max_tokens: int
    history_tokens: int
    turn_timeout: float


@dataclass(slots=True)
class _Turn:
    """A prompt that has no outcome yet.

    Attributes:
        parts: the pieces of the answer so far.
        stopped: it was interrupted, or the conversation is being closed.
    """

    prompt: Prompt
    parts: list[str] = field(default_factory=list)
    stopped: bool = False

    @property
    def text(self) -> str:
        return "".join(self.parts)


class AssistantConversation(Conversation):
    """Calls the model through `client`, which it closes at the end.

    Events are queued in memory until they are read; `max_tokens` bounds their size.
    """

    def __init__(
        self,
        session_id: SessionId,
        client: anthropic.AsyncAnthropic,
        settings: CallSettings,
        history: Sequence[Exchange],
    ) -> None:
        self._session_id = session_id
        self._client = client
        self._settings = settings
        self._history = list(history)
        self._events: asyncio.Queue[ConversationEvent] = asyncio.Queue()
        self._turns: deque[_Turn] = deque()  # the first one is being answered
        self._task: asyncio.Task[Finished | Failed] | None = None
        self._closing = False
        self._exited = False
        self._close_lock = asyncio.Lock()

    async def prompt(self, prompt: Prompt) -> None:
        if self._closing:
            raise ConnectionFailed(CLOSED)
        self._turns.append(_Turn(prompt))
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

    def _outcome(self, turn: _Turn, task: asyncio.Task[Finished | Failed]) -> Finished | Failed:
        message_id = turn.prompt.message_id
        if task.cancelled():
            why = CLOSED if self._closing else STOPPED
            return Failed(message_id=message_id, why=why, partial=turn.text, interrupted=True)
        error = task.exception()
        if error is None:
            return task.result()
        logger.error("%s: turn %s broke", self._session_id, message_id, exc_info=error)
        return Failed(
            message_id=message_id,
            why="the assistant failed; the operator finds the details in the log",
            partial=turn.text,
        )

    async def _answer(self, turn: _Turn) -> Finished | Failed:
        message_id = turn.prompt.message_id
        model = self._settings.model
        try:
            async with asyncio.timeout(self._settings.turn_timeout):
                stop_reason = await self._stream_twice_if_unreadable(turn)
        except TimeoutError:
            why = f"the model did not answer within {self._settings.turn_timeout:g} seconds; try again"
            return Failed(message_id=message_id, why=why, partial=turn.text, timed_out=True)
        except (anthropic.APIError, httpx2.TransportError) as error:
            # Only the class: the message of an error may quote the text of a person.
            status = getattr(error, "status_code", None)
            logger.warning(
                "%s: turn %s failed: %s %s", self._session_id, message_id, type(error).__name__, status or ""
            )
            return Failed(
                message_id=message_id,
                why=failures.sentence(error, model=model),
                partial=turn.text,
                timed_out=failures.is_timeout(error),
            )
        except UnreadableAnswer:
            return Failed(message_id=message_id, why=failures.UNREADABLE, partial=turn.text)
        if stop_reason is None:
            return Failed(
                message_id=message_id, why="the model's answer ended in the middle; try again", partial=turn.text
            )
        if note := _NOTES.get(stop_reason):
            self._write(turn, note if turn.parts else note.lstrip())
        text = turn.text
        if not text.strip():
            return Failed(message_id=message_id, why="the model gave an empty answer; try again")
        self._history.append(Exchange(prompt=turn.prompt.text, answer=text))
        return Finished(message_id=message_id, text=text, stop_reason=stop_reason)

    async def _stream_twice_if_unreadable(self, turn: _Turn) -> str | None:
        """Stream one answer, and where it cannot be read, once more from its beginning; see `_stream`."""
        try:
            return await self._stream(turn)
        except UnreadableAnswer as error:
            # Only the class: the message of an error may quote the text of a person.
            kind = type(error.__cause__).__name__
            logger.warning("%s: turn %s got an unreadable answer: %s", self._session_id, turn.prompt.message_id, kind)
        if turn.parts:
            turn.parts.clear()
            self._events.put_nowait(TextDelta(text=_AGAIN))
        return await self._stream(turn)

    async def _stream(self, turn: _Turn) -> str | None:
        """Stream one answer; return the stop reason, or None where the stream broke off.

        Raises:
            UnreadableAnswer: the stream breaks the rules of its format.
        """
        settings = self._settings
        messages = messages_for(self._history, turn.prompt.text, history_tokens=settings.history_tokens)
        async with self._client.messages.stream(
            model=settings.model,
            max_tokens=settings.max_tokens,
            system=settings.system_prompt or anthropic.omit,
            messages=messages,
        ) as stream:
            started = complete = False
            try:
                async for event in _readable(stream):
                    match event.type:
                        case "message_start":
                            started = True
                        case "text":
                            self._write(turn, event.text)
                        case "message_stop":
                            complete = True
                        case _:
                            pass  # other forms of the same text and usage, and events of later versions
            finally:
                if started:
                    self._report_usage(stream.current_message_snapshot)
            return (stream.current_message_snapshot.stop_reason or "end_turn") if complete else None

    def _write(self, turn: _Turn, text: str) -> None:
        turn.parts.append(text)
        self._events.put_nowait(TextDelta(text=text))

    def _report_usage(self, message: Message) -> None:
        usage = message.usage
        split = usage.cache_creation
        tokens = Tokens(
            input=usage.input_tokens,
            output=usage.output_tokens,
            cache_read=usage.cache_read_input_tokens or 0,
            cache_write_5m=split.ephemeral_5m_input_tokens if split else usage.cache_creation_input_tokens or 0,
            cache_write_1h=split.ephemeral_1h_input_tokens if split else 0,
        )
        self._events.put_nowait(UsageReported(model=message.model, tokens=tokens))


async def _readable(stream: AsyncMessageStream[None]) -> AsyncIterator[ParsedMessageStreamEvent[None]]:
    """Yield the events of a stream.

    Raises:
        UnreadableAnswer: the stream breaks the rules of its format.
    """
    events = aiter(stream)
    while True:
        try:
            event = await anext(events)
        except StopAsyncIteration:
            return
        except _UNREADABLE as error:
            raise UnreadableAnswer from error
        yield event
