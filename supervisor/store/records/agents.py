"""What programs report about the agents that they run."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.protocol.messages import UserId
from supervisor.protocol.values.record import record


@record
class AgentOwner:
    """Whose token reported something.

    Attributes:
        key: "user:<id>" or "service:<name>".
        user_id: None = a service.
        reads_services: whether what services reported is read as well; it is never written.
        source: the address that it reports from, for the audit trail; empty = not known.
    """

    key: str
    user_id: UserId | None
    reads_services: bool = False
    source: str = ""


@record
class AgentConversation:
    """A conversation of agents.

    Attributes:
        number: grows with each conversation.
        ended_ms: None = it goes on.
        messages: how many were reported; the oldest may no longer be kept.
    """

    number: int
    id: str
    user_id: UserId | None
    agents: Sequence[str]
    started_ms: int
    last_ms: int
    ended_ms: int | None
    messages: int


@record
class AgentMessage:
    """A message in a conversation.

    Attributes:
        kind: as the program names it, such as "message", "execution" or "result".
        message_id: of the message to Claude Code that it tells of; None = of none.
    """

    agent: str
    content: str
    kind: str
    message_id: str | None
    at_ms: int


@record
class AgentState:
    """What an agent did last, in a word of its program."""

    agent: str
    state: str
    at_ms: int


@record
class AgentOperation:
    """A change that a program itself made to a file.

    Attributes:
        id: as the program names it.
        kind: "create", "modify" or "delete".
        path: absolute, on the machine of the program.
        before_hash, after_hash: as the program made them; None = there was no such file, or it is not known.
        before_size, after_size: in bytes; None = likewise.
        rolled_back: the program has taken it back.
    """

    id: str
    kind: str
    path: str
    before_hash: str | None = None
    after_hash: str | None = None
    before_size: int | None = None
    after_size: int | None = None
    at_ms: int = 0
    rolled_back: bool = False


@record
class AgentCounts:
    """How much is kept.

    Attributes:
        messages: as reported, also those that are no longer kept.
        operations: changes that programs themselves made.
    """

    conversations: int
    active: int
    messages: int
    operations: int
