"""A connector that does as its prompt says: echo by default, `hold` until told otherwise, `fail` with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Exited,
    Failed,
    Finished,
    Prompt,
    SessionSpec,
    TextDelta,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports.connector import Connector, Conversation


class ScriptedConversation(Conversation):
    """`fail WHY` fails, `time out` does so late, `hold` waits for `release` or an interrupt; the rest comes back."""

    def __init__(self, connector: ScriptedConnector, spec: SessionSpec) -> None:
        self._connector = connector
        self._spec = spec
        self._events: asyncio.Queue[ConversationEvent] = asyncio.Queue()
        self._held: MessageId | None = None
        self._closed = False

    async def prompt(self, prompt: Prompt) -> None:
        if self._closed:
            raise ConnectionFailed("the conversation is closed")
        self._connector.prompts.append(prompt.text)
        word, _, rest = prompt.text.partition(" ")
        match word:
            case "hold":
                self._held = prompt.message_id
                self._put(TextDelta(text="so far"))
            case "fail":
                self._put(Failed(message_id=prompt.message_id, why=rest))
            case "time":
                self._put(Failed(message_id=prompt.message_id, why="no answer within 1 seconds", timed_out=True))
            case _:
                self._put(TextDelta(text=prompt.text))
                self._put(Finished(message_id=prompt.message_id, text=prompt.text))

    async def interrupt(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._put(Failed(message_id=held, why="interrupted", partial="so far", interrupted=True))

    def release(self) -> None:
        """Let a prompt that is held end well."""
        if self._held is not None:
            held, self._held = self._held, None
            self._put(Finished(message_id=held, text="released"))

    def crash(self, why: str) -> None:
        """Die."""
        self._closed = True
        self._put(Exited(why=why))

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._put(Exited())

    async def events(self) -> AsyncIterator[ConversationEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Exited):
                return

    def _put(self, event: ConversationEvent) -> None:
        self._events.put_nowait(event)


class ScriptedConnector(Connector):
    """Keeps what it was asked.

    Attributes:
        refusing: why nothing can be opened; empty = everything can.
        prompts: the texts of all prompts, in order.
        opened: the conversations, in order.
    """

    name = "scripted"

    def __init__(self) -> None:
        self.refusing = ""
        self.prompts: list[str] = []
        self.opened: list[ScriptedConversation] = []
        self.specs: list[SessionSpec] = []

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        if self.refusing:
            raise ConnectionFailed(self.refusing)
        conversation = ScriptedConversation(self, session)
        self.specs.append(session)
        self.opened.append(conversation)
        return conversation

    def release(self) -> None:
        """Let every prompt that is held end well."""
        for conversation in self.opened:
            conversation.release()
