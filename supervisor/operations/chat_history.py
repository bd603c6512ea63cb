"""The history of a chat as its readers get it: messages in order, made from the stored turns. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from supervisor.delivery.replies import reply_id
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.protocol.values.record import record
from supervisor.store.records.chat import ChatEntry
from supervisor.store.records.result import Result, StoredMessage
from supervisor.store.records.tool_call import StoredCall
from supervisor.store.records.turn import Turn
from supervisor.turns.outcomes import INCLUDED

WITH_A_TEXT = frozenset({TurnState.COMPLETED, TurnState.CANCELLED})
"""States whose answer stands by itself; in the others the reader is told why there is none, or no more of it."""


Read = Callable[[Turn, Any], Any]
"""Returns a text of an answer, or the input of a tool call in it, as it is read; from the turn and what is stored."""


def as_written(turn: Turn, value: Any) -> Any:
    """Return what the model wrote as it is."""
    return value


@record
class ChatMessage:
    """A message of a chat, or the answer to one.

    Attributes:
        id: of the message; of an answer, an id of its own.
        message_id: of the message; of an answer, that of the message that it answers.
        content: what is read. Of an answer that was not completed: how far it got, then why.
        by: who wrote it; None for an answer.
        target: who answers, or answered.
        state: of the turn.
        interrupted: a person stopped the answer, so `content` is what was written until then.
        error: why there is no complete answer, as a sentence; empty = nothing is wrong.
        cost_nanos: of an answer; None = not known, or it cost nothing by itself (a command word).
        tool_calls: of an answer, in order, with their artifacts.
    """

    id: MessageId
    message_id: MessageId
    role: Literal["user", "assistant"]
    content: str
    timestamp_ms: int
    by: UserId | None
    target: Target
    state: TurnState
    interrupted: bool = False
    error: str = ""
    cost_nanos: int | None = None
    tool_calls: Sequence[StoredCall] = ()


def chat_messages(entries: Iterable[ChatEntry], read: Read = as_written) -> list[ChatMessage]:
    """Return the messages of a chat with their answers, in order.

    Args:
        read: an answer as it is read.
    """
    return [message for entry in entries for message in _both(entry, read)]


def chat_rows(entries: Iterable[ChatEntry]) -> list[StoredMessage]:
    """Return the same messages as rows of the history of a session."""
    return [
        StoredMessage(
            id=message.id,
            direction="to_claude" if message.role == "user" else "from_claude",
            message=message.content,
            timestamp_ms=message.timestamp_ms,
            cost_nanos=message.cost_nanos,
            status=message.state.value,
            context=None,
            user_id=message.by,
            reply_to=message.message_id if message.role == "assistant" else None,
        )
        for message in chat_messages(entries)
    ]


def _both(entry: ChatEntry, read: Read) -> Iterable[ChatMessage]:
    result = entry.result
    turn = result.turn
    yield ChatMessage(
        id=turn.message_id,
        message_id=turn.message_id,
        role="user",
        # As it was written: sent again, it goes to the same place.
        content=f"@{turn.project} {turn.text}" if turn.target is Target.CLAUDE_CODE and turn.project else turn.text,
        timestamp_ms=turn.accepted_ms,
        by=turn.user_id,
        target=turn.target,
        state=result.state,
    )
    if result.state.final and result.answer != INCLUDED:
        answer = _answer(result, entry.calls)
        calls = [replace(call, input=read(turn, call.input)) for call in answer.tool_calls]
        yield replace(answer, content=read(turn, answer.content), tool_calls=calls)


def _answer(result: Result, calls: Sequence[StoredCall]) -> ChatMessage:
    turn = result.turn
    refused = turn.target is Target.REFUSED
    why = result.why if refused or result.state not in WITH_A_TEXT else ""
    return ChatMessage(
        id=result.answer_id or MessageId(reply_id(turn.message_id)),
        message_id=turn.message_id,
        role="assistant",
        content="\n\n".join(filter(None, (result.answer, why))),
        timestamp_ms=result.ended_ms if result.ended_ms is not None else turn.accepted_ms,
        by=None,
        target=turn.target,
        state=result.state,
        interrupted=result.state is TurnState.CANCELLED and not refused,
        error=why,
        cost_nanos=result.known_nanos if turn.target in (Target.ASSISTANT, Target.CLAUDE_CODE) else None,
        tool_calls=calls,
    )
