"""What the daemon knows, as frames of the chat: live events, how messages end, the history. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from supervisor.delivery import views
from supervisor.delivery.sizes import count_fitting, size_of
from supervisor.operations.chat_history import ChatMessage
from supervisor.operations.chats.records import ChatEnd
from supervisor.protocol import events
from supervisor.protocol.errors import TurnFailed, XswarmError
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import rfc3339, usd
from supervisor.protocol.wire.omit import OMIT
from supervisor.store.records.result import Result
from supervisor.store.records.tool_call import StoredCall
from supervisor.wires.chat import frames
from supervisor.wires.chat.frames import End, HistoryItem, Kind, ServerFrame

STOPPED = "Generation stopped by user"
CANCELLED = "Generation cancelled"
NOTHING_RUNS = "No active generation"
"""Texts of `interrupted` that clients know."""

KINDS: Sequence[tuple[re.Pattern[str], Kind]] = (
    (re.compile("schedule|assignment"), "schedule"),
    (re.compile("analysis|analyze|validate|check"), "analysis"),
    (re.compile("config|setting"), "configuration"),
)
"""What an artifact is by its title, as the clients that exist decide it; the first that matches."""

LiveEvent = events.ClaudeCodeDelta | events.ClaudeCodeTool | events.ToolCallBegun | events.ArtifactMade
"""An event of a running answer."""


def live(event: LiveEvent, structured: Mapping[str, Any] | None = None) -> list[ServerFrame]:
    """Return what clients get of an event.

    Args:
        structured: the whole result of a tool call that has ended; None = it has only a text.
    """
    match event:
        case events.ClaudeCodeDelta(text=text):
            return [frames.Token(content=text)] if text else []
        case events.ToolCallBegun():
            return [frames.ToolCallStart(name=event.name, id=event.tool_use_id)]
        case events.ClaudeCodeTool(status="started"):
            given = event.input if isinstance(event.input, Mapping) else {}
            return [frames.ToolCall(name=event.name, input=given, id=event.tool_use_id)]
        case events.ClaudeCodeTool():
            text = event.result if isinstance(event.result, str) else ""
            return [
                frames.ToolResult(id=event.tool_use_id, result=tool_result(event.name, text, event.status, structured))
            ]
        case events.ArtifactMade():
            kind = kind_of(event.kind, event.title or event.name)
            title = event.title or event.name
            return [frames.Artifact(id=event.tool_use_id, kind=kind, title=title, data=event.data)]


def tool_result(name: str, text: str, status: str, structured: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the `result` of a `tool_result`."""
    if status == "failed":
        return {"tool_name": name, "failed": True, "error": text}
    return {**structured, "tool_name": name} if structured is not None else {"tool_name": name, "content": text}


def kind_of(kind: str, title: str) -> Kind:
    """Return what an artifact is.

    Args:
        kind: as the tool says; anything else than the known ones counts for nothing.
    """
    known: Mapping[str, Kind] = {name: name for name in get_args(Kind)}
    by_title: Kind = next((found for pattern, found in KINDS if pattern.search(title.lower())), "report")
    return known.get(kind, by_title)


def completed(result: Result) -> frames.Complete:
    """Return the end of an answer that is complete."""
    return frames.Complete(
        usage=views.usage(result.tokens),
        cost_usd=views.cost_usd(result),
        message_ids=[result.turn.message_id, *result.joined],
    )


def answered_at_once(message_id: str) -> frames.Complete:
    """Return the end of the answer to a command word, which costs nothing."""
    return frames.Complete(usage={"input_tokens": 0, "output_tokens": 0}, cost_usd=0.0, message_ids=[message_id])


def end_of(ended: ChatEnd, *, spoke: bool) -> End:
    """Return the end of an answer.

    Args:
        spoke: whether text of it was sent.
    """
    result, error = ended.result, ended.error
    if error is None:
        return completed(result)
    message_id = result.turn.message_id
    if ended.interrupted:
        text = STOPPED if result.stop_reason == "interrupted" else CANCELLED
        return frames.Interrupted(message=text, partial_response=spoke, message_id=message_id)
    if result.state is TurnState.INTERRUPTED:
        return frames.Interrupted(message=result.why or str(error), partial_response=spoke, message_id=message_id)
    return refused(error, message_id)


def refused(error: XswarmError, message_id: str | None = None) -> frames.Error:
    """Return an error as a frame."""
    why = error.why if isinstance(error, TurnFailed) else f"{error}. {error.remedy}".rstrip(". ")
    return frames.Error(
        message=why,
        code=error.code,
        retry_after=error.retry_after if error.retry_after is not None else OMIT,
        message_id=message_id if message_id is not None else OMIT,
    )


def history(messages: Sequence[ChatMessage], *, limit: int, before: str | None = None) -> frames.History:
    """Return messages as a history; where they do not fit, the oldest are left out.

    Args:
        limit: at most so many messages of the person; more are given where the session has more.
        before: see `frames.History`.
    """
    written = [place for place, message in enumerate(messages) if message.role == "user"]
    first = written[-limit] if len(written) > limit else 0
    items = [item(message) for message in messages[first:]]
    count = count_fitting(map(_size, reversed(items)))
    left_out = len(items) - count
    # A page begins with a message, so that the next one ends before it.
    while count > 1 and left_out and items[left_out].role == "assistant":
        left_out, count = left_out + 1, count - 1
    return frames.History(
        messages=items[left_out:], earlier=bool(first or left_out), before=before if before is not None else OMIT
    )


def _size(item: HistoryItem) -> int:
    """Return about how many bytes a message takes."""
    parts = [part for part in (item.content, item.tool_calls, item.artifacts) if part is not OMIT]
    return size_of(parts) + 300


def item(message: ChatMessage) -> HistoryItem:
    """Return one message of the history."""
    if message.role == "user":
        return HistoryItem(
            id=message.id,
            role="user",
            content=message.content,
            timestamp=rfc3339(message.timestamp_ms),
            status=message.state.value,
        )
    calls = [_call(call) for call in message.tool_calls]
    artifacts = [_artifact(call) for call in message.tool_calls if call.artifact is not None]
    return HistoryItem(
        id=message.id,
        role="assistant",
        content=message.content,
        timestamp=rfc3339(message.timestamp_ms),
        tool_calls=calls or OMIT,
        artifacts=artifacts or OMIT,
        cost_usd=usd(message.cost_nanos) if message.cost_nanos is not None else None,
        status=message.state.value,
        interrupted=True if message.interrupted else OMIT,
    )


def _call(call: StoredCall) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "id": call.tool_use_id,
        "name": call.name,
        "input": call.input,
        "started_at": rfc3339(call.started_ms),
    }
    if call.ended_ms is not None:
        found["ended_at"] = rfc3339(call.ended_ms)
        found["result"] = tool_result(call.name, call.result, "failed" if call.failed else "succeeded", None)
    return found


def _artifact(call: StoredCall) -> Mapping[str, Any]:
    title = call.title or call.name
    return {"id": call.tool_use_id, "type": kind_of(call.kind, title), "title": title, "data": call.artifact}
