"""The results of operations on chats: opened, taken, queued, ended."""

from __future__ import annotations

from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.status import TurnState
from supervisor.protocol.values.record import record
from supervisor.store.records.result import Result
from supervisor.turns.outcomes import INCLUDED
from supervisor.turns.runner import STARTED_AGAIN


@record
class ChatOpened:
    """A chat that is open to a user.

    Attributes:
        session_id: the id that was asked for, or a new one.
        history_count: how many messages it has, answers included.
    """

    session_id: SessionId
    history_count: int


@record
class ChatQueued:
    """The position of a message that waits.

    Attributes:
        position: 1 = it is next.
        reason: a sentence that says what it waits for.
    """

    position: int
    reason: str


@record
class ChatTaken:
    """A message that is stored.

    Attributes:
        told: the answer of the daemon itself, where the message is a command word: nothing runs for it, and nothing is
            to be waited for. None = it is answered later.
        queued: None = it does not wait.
        joined: it was sent into the running answer, which may end it too (see `Result.joined`).
    """

    message_id: MessageId
    told: str | None = None
    queued: ChatQueued | None = None
    joined: bool = False


@record
class ChatEnd:
    """How the answer to a message ended.

    Attributes:
        result: with `joined`, the messages that were sent into the answer and ended with it.
        error: why it was not completed; None = it was. An answer that a person stopped has the state CANCELLED.
    """

    result: Result
    error: XswarmError | None = None

    @property
    def interrupted(self) -> bool:
        """Whether a person stopped it; then `result.answer` is what was written until then."""
        return self.result.state is TurnState.CANCELLED

    @property
    def shown(self) -> str:
        """The answer as those read it who saw nothing of it arrive; empty = none, or another message has it."""
        if self.result.answer in ("", INCLUDED):
            return ""
        return f"{STARTED_AGAIN}{self.result.answer}" if self.result.turn.attempts else self.result.answer
