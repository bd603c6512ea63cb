"""REST: the monitor of agents: conversations, states, what was done to files, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import Path, Query

from supervisor.operations.agents.agents import AgentOperations, Told
from supervisor.protocol.limits import Between
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.idempotency import GivenKey
from supervisor.wires.rest.agents.files import FileChange, newest
from supervisor.wires.rest.resource import Endpoint

RECENT = 5
"""How many file operations the statistics name."""

Conversations = Annotated[int, Between(1, 100)]
Messages = Annotated[int, Between(0, 1_000)]
Name = Annotated[str, Path(max_length=128)]


@record
class MonitoredMessage:
    """What an agent said; `message_id` names the message to Claude Code that it tells of."""

    timestamp: str
    agent: str
    content: str
    type: str
    message_id: str | None


@record
class MonitoredConversation:
    """A conversation of agents; `status` is "active" or "completed".

    `messages` are its newest ones, oldest first; `message_count` counts all that were reported.
    """

    id: str
    start_time: str
    end_time: str | None
    agents: Sequence[str]
    messages: Sequence[MonitoredMessage]
    message_count: int
    file_operations: Sequence[FileChange]
    status: str


@record
class MonitoredAgent:
    """What an agent does."""

    status: str
    last_update: str


@record
class RolledBack:
    """A file operation was taken back, with all that its turn did to files: `paths`."""

    success: bool
    id: str
    session_id: str
    message_id: str
    paths: Sequence[str]


@record
class Statistics:
    """How much there is, and the newest file operations."""

    total_conversations: int
    active_conversations: int
    total_messages: int
    total_file_operations: int
    recent_operations: Sequence[FileChange]


class MonitorRoutes:
    """The routes of the monitor."""

    def __init__(self, agents: AgentOperations) -> None:
        self._agents = agents

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/conversations", self.conversations),
            Endpoint("GET", "/api/conversations/{conversation_id}", self.conversation),
            Endpoint("GET", "/api/active-agents", self.active),
            Endpoint("GET", "/api/stats", self.statistics),
            Endpoint("POST", "/api/rollback/{operation_id}", self.roll_back),
        ]

    async def conversations(
        self,
        caller: Calling,
        limit: Annotated[Conversations, Query()] = 20,
        messages: Annotated[Messages, Query()] = 20,
    ) -> Sequence[MonitoredConversation]:
        """Return the newest conversations, newest first, each with its newest `messages`."""
        return [_shown(told) for told in await self._agents.conversations(caller, limit=limit, messages=messages)]

    async def conversation(
        self, caller: Calling, conversation_id: Name, messages: Annotated[Messages, Query()] = 1_000
    ) -> MonitoredConversation:
        """Return a conversation."""
        return _shown(await self._agents.conversation(caller, conversation_id, messages=messages))

    async def active(self, caller: Calling) -> Mapping[str, MonitoredAgent]:
        """Return what each agent does, by its name."""
        return {
            state.agent: MonitoredAgent(status=state.state, last_update=rfc3339(state.at_ms))
            for state in await self._agents.states(caller)
        }

    async def statistics(self, caller: Calling) -> Statistics:
        """Return how much there is."""
        counts, by_claude = await self._agents.counts(caller)
        recent = newest(
            await self._agents.done(caller, limit=RECENT), await self._agents.reported(caller, limit=RECENT)
        )
        return Statistics(
            total_conversations=counts.conversations,
            active_conversations=counts.active,
            total_messages=counts.messages,
            total_file_operations=counts.operations + by_claude,
            recent_operations=recent[:RECENT],
        )

    async def roll_back(self, caller: Calling, operation_id: Name, key: GivenKey) -> RolledBack:
        """Take back the turn in which Claude Code did a file operation; `/api/file-operations` has the ids."""
        result = await self._agents.roll_back(caller, operation_id)
        return RolledBack(
            success=True,
            id=operation_id,
            session_id=result.turn.session_id,
            message_id=result.turn.message_id,
            paths=[path.encode(errors="replace").decode() for path in result.paths],
        )


def _shown(told: Told) -> MonitoredConversation:
    conversation = told.conversation
    return MonitoredConversation(
        id=conversation.id,
        start_time=rfc3339(conversation.started_ms),
        end_time=rfc3339(conversation.ended_ms) if conversation.ended_ms is not None else None,
        agents=conversation.agents,
        messages=[
            MonitoredMessage(
                timestamp=rfc3339(message.at_ms),
                agent=message.agent,
                content=message.content,
                type=message.kind,
                message_id=message.message_id,
            )
            for message in told.messages
        ],
        message_count=conversation.messages,
        file_operations=newest(told.done, told.reported),
        status="active" if conversation.ended_ms is None else "completed",
    )
