"""The `AgentStore` port: what programs report about the agents that they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supervisor.store.records.agents import (
    AgentConversation,
    AgentCounts,
    AgentMessage,
    AgentOperation,
    AgentOwner,
    AgentState,
)


class AgentStore(Protocol):
    """Conversations, messages, states and file operations of agents.

    What is reported late or too often displaces older reports of the same owner, and nothing of others. Reports are
    deleted 30 days after the last one of their conversation. In reads, an owner of None means everybody's.
    """

    async def start(self, owner: AgentOwner, conversation_id: str, agents: Sequence[str], *, now_ms: int) -> None:
        """Start a conversation."""

    async def end(self, owner: AgentOwner, conversation_id: str, *, now_ms: int) -> bool:
        """End a conversation; False = the owner has none of this id. To end it twice changes nothing."""

    async def current(self, owner: AgentOwner) -> str | None:
        """Return the id of the newest conversation of an owner that goes on; None = there is none."""

    async def say(self, owner: AgentOwner, conversation_id: str, message: AgentMessage) -> bool:
        """Add a message; False = the owner has no conversation of this id."""

    async def set_state(self, owner: AgentOwner, state: AgentState) -> None:
        """Replace the state of an agent."""

    async def add_operation(self, owner: AgentOwner, operation: AgentOperation, conversation_id: str | None) -> None:
        """Add a file operation; the same id twice changes nothing."""

    async def rolled_back(self, owner: AgentOwner, operation_id: str, *, now_ms: int) -> bool:
        """Note that a program has taken an operation back; False = the owner has none of this id."""

    async def conversations(
        self, owner: AgentOwner | None, *, limit: int, before: int | None = None
    ) -> list[AgentConversation]:
        """Return conversations, newest first.

        Args:
            before: only those with a smaller number; None = from the newest.
        """

    async def conversation(self, owner: AgentOwner | None, conversation_id: str) -> AgentConversation | None:
        """Return a conversation; None = the owner has none of this id."""

    async def messages(self, number: int, *, limit: int) -> list[AgentMessage]:
        """Return the newest messages of a conversation, oldest first."""

    async def operations(
        self, owner: AgentOwner | None, *, number: int | None = None, limit: int
    ) -> list[AgentOperation]:
        """Return file operations, newest first; with a number only those of this conversation."""

    async def operation(self, owner: AgentOwner | None, operation_id: str) -> AgentOperation | None:
        """Return a file operation; None = the owner has none of this id."""

    async def states(self, owner: AgentOwner | None) -> list[AgentState]:
        """Return the states of agents, the newest last."""

    async def counts(self, owner: AgentOwner | None) -> AgentCounts:
        """Return how much there is."""
