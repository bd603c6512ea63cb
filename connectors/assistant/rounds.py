"""Answers one prompt: calls the model, makes the tool calls of its answer, and so on until it ends its turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import anthropic
from anthropic import AsyncStream
from anthropic.types import RawMessageStreamEvent, ToolParam

from connectors.assistant.answer import Answer
from connectors.assistant.attachments import blocks_of, content_of
from connectors.assistant.calls import ToolCaller
from connectors.assistant.failures import BROKEN_FORMAT, UnreadableAnswer
from connectors.assistant.history import messages_for
from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Joining,
    PastCall,
    Prompt,
    TextDelta,
)
from supervisor.protocol.messages import SessionId
from supervisor.protocol.tools import ToolSpec

logger = logging.getLogger(__name__)

BETWEEN = "\n\n"
"""Between the texts of two answers of the model to one prompt."""

AGAIN = "\n\n[The answer became unreadable here. It begins again.]\n\n"
"""Shown to those who watch the answer arrive; the final answer holds neither this nor what stands before it."""

_CUT = "[The answer was cut off here: it reached the length limit.]"

NOTES = {
    "max_tokens": _CUT,
    "model_context_window_exceeded": _CUT,
    "refusal": "[The model declined to answer this.]",
}
"""By stop reason: what is appended where the model did not finish its answer. The calls of such an answer do not run:
the last of them may be half of what the model wanted."""

OUT_OF_ROUNDS = "[Stopped here: the model went on calling tools after {rounds} rounds.]"

WITHOUT_TOOLS = "[The tools of {servers} do not work now.]"
"""What the model is told, and the person at the end of the answer, where tool servers are down."""

WITHOUT_WORDS = "[The model ended its turn without a word. {calls}.]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """Settings of every call of the model.

    Attributes:
        system_prompt: where there are no tools; empty = none.
        system_prompt_with_tools: where there are some.
        max_tokens: most tokens of one answer.
        history_tokens: most tokens of the history in a request, by estimate.
        turn_timeout: seconds that the model may take for one prompt, with all retries and rounds.
        max_rounds: most answers of the model to one prompt. In the last one it may not call tools.
    """

    model: str
    system_prompt: str
    system_prompt_with_tools: str
    max_tokens: int
    history_tokens: int
    turn_timeout: float
    max_rounds: int


@dataclass(slots=True)
class Turn:
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
        """The answer so far."""
        return "".join(self.parts)


class Rounds:
    """Answers the prompt of one turn.

    Args:
        history: of the conversation, oldest first.
        caller: makes the tool calls.
        emit: takes the events.
        joining: as in `SessionSpec`.
    """

    def __init__(
        self,
        session_id: SessionId,
        client: anthropic.AsyncAnthropic,
        settings: CallSettings,
        turn: Turn,
        *,
        history: Sequence[Exchange],
        caller: ToolCaller,
        emit: Callable[[ConversationEvent], None],
        joining: Joining | None = None,
    ) -> None:
        self._session_id = session_id
        self._client = client
        self._settings = settings
        self._turn = turn
        self._caller = caller
        self._emit = emit
        self._joining = joining or _nobody
        self._tools = [_param(spec) for spec in caller.specs]
        self._left = settings.turn_timeout
        self._separate = False
        missing = " and ".join(caller.missing)
        self._without_tools = WITHOUT_TOOLS.format(servers=missing) if missing else ""
        self._messages = messages_for(
            history, turn.prompt.text, history_tokens=settings.history_tokens, with_calls=bool(self._tools)
        )

    @property
    def calls(self) -> Sequence[PastCall]:
        """The tool calls so far."""
        return self._caller.made

    async def answer(self) -> str | None:
        """Answer the prompt; return the stop reason of the last answer, or None where it broke off.

        Raises:
            UnreadableAnswer: the model's answer breaks the rules of its format, twice.
            TimeoutError: the model took longer than it may.
            anthropic.APIError, httpx2.TransportError: the model could not be called, or its answer broke off.
        """
        self._messages[-1] = {"role": "user", "content": await content_of(self._turn.prompt)}
        for number in range(1, self._settings.max_rounds + 1):
            answer = await self._ask_in_time(is_last=number == self._settings.max_rounds)
            if not answer.complete:
                return None
            calls = answer.calls
            if not calls or answer.stop_reason in NOTES:
                self._end(answer.stop_reason)
                return answer.stop_reason
            if number == self._settings.max_rounds:
                break
            results = [await self._caller.make(call) for call in calls]
            self._messages.append({"role": "assistant", "content": answer.content()})
            joined = [await asyncio.to_thread(blocks_of, one.text, one.attachments) for one in await self._joining()]
            self._messages.append({"role": "user", "content": [*results, *chain.from_iterable(joined)]})
            self._separate = bool(self._turn.parts)
        self._note(OUT_OF_ROUNDS.format(rounds=self._settings.max_rounds))
        return "max_rounds"

    def _end(self, stop_reason: str) -> None:
        if note := NOTES.get(stop_reason):
            self._note(note)
        elif self.calls and not self._turn.text.strip():
            made = "1 tool call was made" if len(self.calls) == 1 else f"{len(self.calls)} tool calls were made"
            self._note(WITHOUT_WORDS.format(calls=made))
        if self._without_tools and self._turn.text.strip():
            self._note(self._without_tools)

    def _note(self, note: str) -> None:
        self._separate = False
        self._write(f"{BETWEEN}{note}" if self._turn.parts else note)

    def _write(self, text: str) -> None:
        if self._separate and text.strip():
            self._separate = False
            self._write(BETWEEN)
        self._turn.parts.append(text)
        self._emit(TextDelta(text=text))

    async def _ask_in_time(self, *, is_last: bool) -> Answer:
        """Call the model. The time counts in which it answers: not that of tools, nor of people who are asked."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(self._left):
            answer = await self._ask_twice_if_unreadable(is_last=is_last)
        self._left -= loop.time() - began
        return answer

    async def _ask_twice_if_unreadable(self, *, is_last: bool) -> Answer:
        """Get one answer, and where it cannot be read, once more from its beginning."""
        mark, separate = len(self._turn.parts), self._separate
        try:
            return await self._ask(is_last=is_last)
        except UnreadableAnswer as error:
            # Only the class: the message of an error may quote the text of a person.
            kind = type(error.__cause__ or error).__name__
            message_id = self._turn.prompt.message_id
            logger.warning("%s: turn %s got an unreadable answer: %s", self._session_id, message_id, kind)
        if len(self._turn.parts) > mark:
            del self._turn.parts[mark:]
            self._separate = separate
            self._emit(TextDelta(text=AGAIN))
        return await self._ask(is_last=is_last)

    async def _ask(self, *, is_last: bool) -> Answer:
        """Stream one answer.

        Raises:
            UnreadableAnswer: the stream breaks the rules of its format.
        """
        answer = Answer()
        # The raw stream: the client's helper builds the whole message anew, at three times the cost.
        async with await self._stream(is_last=is_last) as stream:
            try:
                async for event in _readable(stream):
                    try:
                        seen = answer.take(event)
                    except BROKEN_FORMAT as error:
                        raise UnreadableAnswer from error
                    if isinstance(seen, TextDelta):
                        self._write(seen.text)
                    elif seen is not None:
                        self._emit(seen)
            finally:
                if (used := answer.usage()) is not None:
                    self._emit(used)
        return answer

    async def _stream(self, *, is_last: bool) -> AsyncStream[RawMessageStreamEvent]:
        settings = self._settings
        instructions = settings.system_prompt_with_tools if self._tools else settings.system_prompt
        system = f"{instructions}\n\n{self._without_tools}".strip()
        try:
            return await self._client.messages.create(
                stream=True,
                model=settings.model,
                max_tokens=settings.max_tokens,
                system=system or anthropic.omit,
                messages=self._messages,
                tools=self._tools or anthropic.omit,
                # The next round repeats this request and adds to it: what is cached costs a tenth there.
                cache_control={"type": "ephemeral"} if self._tools else anthropic.omit,
                tool_choice={"type": "none"} if self._tools and is_last else anthropic.omit,
            )
        except BROKEN_FORMAT as error:
            raise UnreadableAnswer from error


async def _readable(stream: AsyncStream[RawMessageStreamEvent]) -> AsyncIterator[RawMessageStreamEvent]:
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
        except BROKEN_FORMAT as error:
            raise UnreadableAnswer from error
        yield event


def _param(spec: ToolSpec) -> ToolParam:
    return {"name": spec.name, "description": spec.description, "input_schema": dict(spec.input_schema)}


async def _nobody() -> Sequence[Prompt]:
    return ()
