"""The connector echo: it answers each prompt at once with the text of the prompt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Exited,
    Finished,
    Prompt,
    SessionSpec,
    TextDelta,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.ports.connector import Connector, ConnectorHost, Conversation
from supervisor.protocol.ports.plugin import ConnectorPlugin


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoConfig:
    """The settings of this connector: none."""


class EchoConversation(Conversation):
    """A conversation that answers inside `prompt`, so there is never a turn to interrupt."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[ConversationEvent] = asyncio.Queue()
        self._closed = False

    async def prompt(self, prompt: Prompt) -> None:
        if self._closed:
            raise ConnectionFailed("the conversation is closed")
        text = prompt.text
        self._events.put_nowait(TextDelta(text=text))
        self._events.put_nowait(Finished(message_id=prompt.message_id, text=text))

    async def interrupt(self) -> None:
        pass

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._events.put_nowait(Exited())

    async def events(self) -> AsyncIterator[ConversationEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Exited):
                return


class EchoConnector(Connector):
    """Opens conversations that echo their prompts."""

    name = "echo"

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        return EchoConversation()


def build(config: EchoConfig, host: ConnectorHost) -> EchoConnector:
    """Return the connector; it needs neither settings nor host."""
    return EchoConnector()


PLUGIN = ConnectorPlugin(name="echo", config=EchoConfig, build=build)
