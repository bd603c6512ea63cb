"""The assistant: opens a conversation for each turn, with the history of the thread from the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from supervisor.models.gateway.gateway import Gateway
from supervisor.protocol import conversation as talk
from supervisor.protocol.messages import ProjectName, SessionId
from supervisor.protocol.ports.connector import Connector, Conversation
from supervisor.protocol.status import Permissions
from supervisor.spending.meter import SessionMeter
from supervisor.spending.spending import Spending
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.turn import Turn

HISTORY_EXCHANGES = 50
"""Number of exchanges read from the store; the connector cuts them to its token limit."""


async def _no_tools(call: talk.ToolCall) -> talk.Verdict:
    return talk.Verdict(allowed=False, reason=f"the assistant has no tools, so {call.name} was not run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """Opens the conversations of the assistant.

    Attributes:
        connector: answers the turns.
        gateway: the way of the connector to a model.
        turn_timeout: seconds that one answer may take.
    """

    connector: Connector
    gateway: Gateway
    turns: TurnStore
    spending: Spending
    turn_timeout: float = 300.0

    @asynccontextmanager
    async def converse(self, turn: Turn) -> AsyncIterator[tuple[Conversation, SessionMeter]]:
        """Open a conversation for a turn, with its meter; it is closed, and its token revoked, when the block ends.

        Raises:
            ConnectionFailed: the conversation did not start.
            StorageError: the history could not be read.
        """
        meter = self.spending.meter(turn.lane, turn.user_id, None)
        endpoint = self.gateway.issue(turn.lane, meter)
        try:
            pairs = await self.turns.exchanges(turn.lane, limit=HISTORY_EXCHANGES)
            conversation = await self.connector.open(
                self._spec(turn, endpoint), [talk.Exchange(prompt=prompt, answer=answer) for prompt, answer in pairs]
            )
            try:
                yield conversation, meter
            finally:
                await conversation.close()
        finally:
            self.gateway.revoke(endpoint.token)
            await meter.drain()

    def _spec(self, turn: Turn, endpoint: talk.ModelEndpoint) -> talk.SessionSpec:
        return talk.SessionSpec(
            id=SessionId(turn.lane),
            conversation_id=turn.message_id,
            resume=False,
            user_id=turn.user_id,
            project=ProjectName(""),
            project_path="",
            permissions=Permissions.ASK,
            model=None,
            home="",
            endpoint=endpoint,
            decide=_no_tools,
            turn_timeout=self.turn_timeout,
        )
