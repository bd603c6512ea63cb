"""What programs report about their agents, and what they and people read of it.

A report belongs to the user of the token, or to the service. A user reads their own, an administrator also
what services reported, a service everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.delivery.hub import Hub
from supervisor.operations.queries import Queries
from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.errors import MessageNotFound, NotAllowed, SessionNotFound, XswarmError
from supervisor.protocol.ids import uuid7
from supervisor.protocol.times import Clock, now_ms, rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.ports.agents import AgentStore
from supervisor.store.ports.changes import ChangeStore, StoredOperation
from supervisor.store.records.agents import (
    AgentConversation,
    AgentCounts,
    AgentMessage,
    AgentOperation,
    AgentOwner,
    AgentState,
)
from supervisor.undo.errors import NothingToUndo
from supervisor.undo.undo import Undo, UndoDirection, UndoResult

TOPIC = "agents"
"""The topic of what agents say and do."""

MOST_FILES = 100
"""The most file operations that are listed with a conversation."""


class ConversationNotFound(XswarmError):
    """There is no conversation of agents with this id, or it belongs to another user."""

    code = "conversation_not_found"
    remedy = "GET /api/conversations lists the conversations"

    def __init__(self, conversation_id: str) -> None:
        super().__init__(conversation_id)
        self.conversation_id = conversation_id

    def __str__(self) -> str:
        return f"Conversation not found: {self.conversation_id}"


@record
class Told:
    """A conversation with its newest messages.

    Attributes:
        done: what Claude Code did to files in the turns that the messages name, newest first.
        reported: what the program itself did to files, newest first.
    """

    conversation: AgentConversation
    messages: Sequence[AgentMessage]
    done: Sequence[StoredOperation]
    reported: Sequence[AgentOperation]


class AgentOperations:
    """Keeps the reports of programs, and takes file operations of Claude Code back."""

    def __init__(
        self,
        store: AgentStore,
        changes: ChangeStore,
        queries: Queries,
        undo: Undo,
        hub: Hub,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._changes = changes
        self._queries = queries
        self._undo = undo
        self._hub = hub
        self._clock = clock

    # -- reports

    async def start(self, caller: Caller, agents: Sequence[str]) -> str:
        """Start a conversation; return its id."""
        conversation_id = f"conv_{uuid7()}"
        await self._store.start(_owner(caller), conversation_id, agents, now_ms=self._clock())
        return conversation_id

    async def end(self, caller: Caller, conversation_id: str | None) -> str | None:
        """End a conversation; None = the newest one that goes on, if there is one. Returns its id.

        Raises:
            ConversationNotFound: the caller has none of this id.
        """
        ended = conversation_id or await self._store.current(_owner(caller))
        if ended is not None and not await self._store.end(_owner(caller), ended, now_ms=self._clock()):
            raise ConversationNotFound(ended)
        return ended

    async def say(
        self,
        caller: Caller,
        *,
        agent: str,
        content: str,
        kind: str,
        conversation_id: str | None,
        message_id: str | None,
    ) -> str:
        """Add a message to a conversation; return the conversation's id.

        Args:
            conversation_id: None = the newest one that goes on, else a new one.
            message_id: the message to Claude Code that it tells of.

        Raises:
            ConversationNotFound: the caller has none of this id.
            MessageNotFound: there is no such message that the caller may see.
        """
        if message_id is not None and await self._queries.result(caller, message_id) is None:
            raise MessageNotFound(message_id)
        owner, at_ms = _owner(caller), self._clock()
        told = conversation_id or await self._store.current(owner) or await self.start(caller, [agent])
        message = AgentMessage(agent=agent, content=content, kind=kind, message_id=message_id, at_ms=at_ms)
        if not await self._store.say(owner, told, message):
            raise ConversationNotFound(told)
        said = events.AgentSaid(
            conversation_id=told,
            user_id=caller.user_id,
            agent=agent,
            content=content,
            message_type=kind,
            timestamp=rfc3339(at_ms),
        )
        self._hub.publish(said, (TOPIC,))
        return told

    async def set_state(self, caller: Caller, agent: str, state: str) -> None:
        """Replace the state of an agent."""
        at_ms = self._clock()
        await self._store.set_state(_owner(caller), AgentState(agent=agent, state=state, at_ms=at_ms))
        changed = events.AgentStateChanged(user_id=caller.user_id, agent=agent, status=state, timestamp=rfc3339(at_ms))
        self._hub.publish(changed, (TOPIC,))

    async def did(self, caller: Caller, operation: AgentOperation, conversation_id: str | None) -> str | None:
        """Add what a program itself did to a file; return the id of its conversation.

        Args:
            conversation_id: None = the newest one that goes on, if there is one.
        """
        told = conversation_id or await self._store.current(_owner(caller))
        await self._store.add_operation(_owner(caller), operation, told)
        return told

    async def took_back(self, caller: Caller, operation_id: str) -> None:
        """Note that a program has taken back what it did to a file.

        Raises:
            NothingToUndo: the caller has reported no such operation.
        """
        if not await self._store.rolled_back(_owner(caller), operation_id, now_ms=self._clock()):
            raise _no_operation(operation_id)

    # -- reads

    async def conversations(self, caller: Caller, *, limit: int, messages: int) -> list[Told]:
        """Return the newest conversations, newest first, each with its newest messages."""
        found = await self._store.conversations(self._scope(caller), limit=limit)
        return [await self._told(conversation, messages) for conversation in found]

    async def conversation(self, caller: Caller, conversation_id: str, *, messages: int) -> Told:
        """Return a conversation.

        Raises:
            ConversationNotFound: there is none that the caller may see.
        """
        found = await self._store.conversation(self._scope(caller), conversation_id)
        if found is None:
            raise ConversationNotFound(conversation_id)
        return await self._told(found, messages)

    async def states(self, caller: Caller) -> list[AgentState]:
        """Return the states of agents, the newest last."""
        return await self._store.states(self._scope(caller))

    async def reported(self, caller: Caller, *, limit: int) -> list[AgentOperation]:
        """Return what programs themselves did to files, newest first."""
        return await self._store.operations(self._scope(caller), limit=limit)

    async def done(self, caller: Caller, *, limit: int) -> list[StoredOperation]:
        """Return what Claude Code did to files, newest first."""
        return await self._changes.operations(user_id=caller.user_id, limit=limit)

    async def counts(self, caller: Caller) -> tuple[AgentCounts, int]:
        """Return how much programs reported, and how many file operations Claude Code did."""
        return await self._store.counts(self._scope(caller)), await self._changes.count(user_id=caller.user_id)

    # -- rollback

    async def roll_back(self, caller: Caller, operation_id: str) -> UndoResult:
        """Take back the turn in which Claude Code did a file operation: a turn is taken back whole.

        Raises:
            NothingToUndo: there is no such operation that the caller may see.
            NotAllowed: a program did it itself, so only that program has what was there before.
            UndoConflict, UndoRefused, CheckpointFailed: it is not taken back.
        """
        if await self._store.operation(self._scope(caller), operation_id) is not None:
            raise NotAllowed(
                f"to roll {operation_id} back here: a program did it itself",
                "that program takes it back, by FileOperationLogger.rollback",
            )
        number = int(operation_id) if operation_id.isdecimal() and len(operation_id) < 19 else -1
        found = await self._changes.operations(before=number + 1, limit=1)
        if not found or found[0].id != number:
            raise _no_operation(operation_id)
        (operation,) = found
        try:
            await self._queries.session(caller, operation.session_id)
        except SessionNotFound:
            raise _no_operation(operation_id) from None
        turn = await self._undo.find(operation.session_id, operation.message_id)
        return await self._undo.take_back(turn, caller.name, user_id=caller.user_id, direction=UndoDirection.BACK)

    def _scope(self, caller: Caller) -> AgentOwner | None:
        """Return whose reports a caller reads; None = everybody's."""
        if caller.user_id is None:
            return None
        return replace(_owner(caller), reads_services=self._queries.administers(caller))

    async def _told(self, conversation: AgentConversation, messages: int) -> Told:
        number = conversation.number
        return Told(
            conversation=conversation,
            messages=await self._store.messages(number, limit=messages),
            done=await self._changes.of_agents(number, limit=MOST_FILES),
            reported=await self._store.operations(None, number=number, limit=MOST_FILES),
        )


def _owner(caller: Caller) -> AgentOwner:
    if caller.user_id is not None:
        return AgentOwner(key=f"user:{caller.user_id}", user_id=caller.user_id, source=caller.source)
    return AgentOwner(key=f"service:{caller.name}", user_id=None, source=caller.source)


def _no_operation(operation_id: str) -> NothingToUndo:
    return NothingToUndo(f"there is no file operation {operation_id}", "GET /api/file-operations lists them")
