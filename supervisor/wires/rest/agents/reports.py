"""REST: what programs report about the agents that they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Body
from pydantic import BaseModel, Field

from supervisor.operations.agents.agents import AgentOperations
from supervisor.people.identity import Caller
from supervisor.protocol.limits import Between, Length
from supervisor.protocol.times import now_ms
from supervisor.protocol.values.record import record
from supervisor.store.records.agents import AgentOperation
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.idempotency import GivenKey
from supervisor.wires.rest.resource import MAX_ROW_ID, Endpoint

MAX_CONTENT = 16_384
"""The longest message of an agent, in characters."""

Word = Annotated[str, Length(1, 64)]
AgentName = Annotated[str, Length(1, 128)]
ReportId = Annotated[str, Length(1, 128)]
Hash = Annotated[str, Length(1, 128)] | None
Size = Annotated[int, Between(0, MAX_ROW_ID)] | None


class ConversationStarted(BaseModel):
    """A conversation begins."""

    type: Literal["conversation_started"]
    agents: Annotated[list[AgentName], Length(0, 100)] = []


class ConversationEnded(BaseModel):
    """A conversation is over; without an id, the newest one that goes on."""

    type: Literal["conversation_ended"]
    conversation_id: ReportId | None = None


class MessageReported(BaseModel):
    """An agent said something: in a conversation, else in the newest one that goes on, else in a new one.

    `message_id` names the message to Claude Code that it tells of: its file operations are listed with the
    conversation.
    """

    type: Literal["new_message"]
    agent: AgentName
    content: Annotated[str, Length(0, MAX_CONTENT)]
    message_type: Word = "message"
    conversation_id: ReportId | None = None
    message_id: Annotated[str, Length(1, 64)] | None = None


class StatusReported(BaseModel):
    """An agent does something else now."""

    type: Literal["agent_status_update"]
    agent: AgentName
    status: Word


class OperationReported(BaseModel):
    """The program itself changed a file; the same id twice counts once."""

    type: Literal["file_operation"]
    operation_id: ReportId
    operation: Literal["create", "modify", "delete"]
    filepath: Annotated[str, Length(1, 4096)]
    before_hash: Hash = None
    after_hash: Hash = None
    before_size: Size = None
    after_size: Size = None
    conversation_id: ReportId | None = None


class OperationTakenBack(BaseModel):
    """The program has taken back what it did to a file."""

    type: Literal["file_rollback"]
    operation_id: ReportId


Report = Annotated[
    ConversationStarted | ConversationEnded | MessageReported | StatusReported | OperationReported | OperationTakenBack,
    Field(discriminator="type"),
]


@record
class Recorded:
    """A report is stored; `conversation_id` says in which conversation, null = in none."""

    type: str
    conversation_id: str | None


class ReportRoutes:
    """The route of reports."""

    def __init__(self, agents: AgentOperations) -> None:
        self._agents = agents

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the route."""
        return [Endpoint("POST", "/api/agents/events", self.report)]

    async def report(self, caller: Calling, body: Annotated[Report, Body()], key: GivenKey) -> Recorded:
        """Store what a program reports about its agents; subscribers of the topic `agents` see it at once."""
        return Recorded(type=body.type, conversation_id=await self._store(caller, body))

    async def _store(self, caller: Caller, body: Report) -> str | None:
        match body:
            case ConversationStarted():
                return await self._agents.start(caller, body.agents)
            case ConversationEnded():
                return await self._agents.end(caller, body.conversation_id)
            case MessageReported():
                return await self._agents.say(
                    caller,
                    agent=body.agent,
                    content=body.content,
                    kind=body.message_type,
                    conversation_id=body.conversation_id,
                    message_id=body.message_id,
                )
            case StatusReported():
                await self._agents.set_state(caller, body.agent, body.status)
            case OperationReported():
                return await self._agents.did(caller, _operation(body), body.conversation_id)
            case OperationTakenBack():
                await self._agents.took_back(caller, body.operation_id)
        return None


def _operation(body: OperationReported) -> AgentOperation:
    return AgentOperation(
        id=body.operation_id,
        kind=body.operation,
        path=body.filepath,
        before_hash=body.before_hash,
        after_hash=body.after_hash,
        before_size=body.before_size,
        after_size=body.after_size,
        at_ms=now_ms(),
    )
