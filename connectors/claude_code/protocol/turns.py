"""Turns the messages of Claude Code into events about the prompts in flight. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from connectors.claude_code.protocol import tool_servers
from connectors.claude_code.protocol.frames import Message, items, mapping, text
from connectors.claude_code.protocol.usage import read_usage
from supervisor.protocol.conversation import (
    ConversationEvent,
    Failed,
    Finished,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from supervisor.protocol.messages import MessageId

logger = logging.getLogger(__name__)

MAX_RESULT = 4000
"""Characters of a tool's output that an event holds."""

MAX_REASON = 600
"""Characters of an error that are shown to a person."""

MAX_TEXT = 4_000_000
"""Characters that one turn may write: several times the longest answer, and small enough for memory."""

MAX_CALLS = 10_000
"""Tool calls of one turn."""

ALREADY_SEEN = "it already knew this message and did not answer it again; send it as a new message"
SILENT_TYPES = frozenset({"tool_progress", "rate_limit_event", "keep_alive", "tool_use_summary", "auth_status"})
"""Message types that cause neither an event nor a log line."""


class Flooded(Exception):
    """A turn writes far more than any useful turn does; the text is for a person."""


class TurnReader:
    """Matches messages with the prompts that they answer.

    A result is matched with its prompt by the uuids that it names, never by order: there are results without a prompt.

    Args:
        notice: put above the first answer, both in the deltas and in the whole text; empty for none.
        servers: the tool servers of the session; an answer that was made without one of them begins with saying so.
    """

    def __init__(self, notice: str = "", servers: frozenset[str] = frozenset()) -> None:
        self._notice = notice
        self._servers = servers
        self._without = ""
        self._pending: dict[MessageId, bool] = {}  # the prompts in flight, and whether Claude Code has accepted each
        self._absorbed: set[MessageId] = set()
        self._idle = True
        self._partial: list[str] = []
        self._written = self._called = 0  # since the last prompt; a result does not reset them
        self._new_block = False
        self._tools: dict[str, bool] = {}
        self._ending: Failed | None = None
        self._unknown: set[str] = set()
        self.ignored = False
        """Whether Claude Code became idle without accepting a prompt: it probably dropped the prompt as a duplicate."""

    @property
    def busy(self) -> bool:
        """Whether a prompt is in flight."""
        return bool(self._pending)

    @property
    def accepted(self) -> bool:
        """Whether Claude Code has accepted every prompt in flight."""
        return all(self._pending.values())

    @property
    def tool_running(self) -> bool:
        """Whether a tool call is running."""
        return not all(self._tools.values())

    def written(self, message_id: MessageId) -> None:
        """Note that a prompt is being written."""
        self._pending[message_id] = False
        self.ignored = False
        self._written = self._called = 0

    def not_written(self, message_id: MessageId) -> None:
        """Forget a prompt that was certainly not written."""
        self._pending.pop(message_id, None)

    def stopping(self, why: str, *, timed_out: bool = False) -> None:
        """Note why the turn is being stopped; its failure will name this reason. The first reason stays."""
        if self._ending is None and self._pending:
            self._ending = Failed(message_id=None, why=why, interrupted=not timed_out, timed_out=timed_out)

    def abandon(self, why: str, remedy: str = "") -> list[ConversationEvent]:
        """Return the failures of all prompts in flight, because no more messages will come.

        Args:
            why: used where `stopping` has named no reason.
            remedy: where it is not empty, `why` is used in any case.
        """
        ending = None if remedy else self._ending
        failures: list[ConversationEvent] = [
            self._failed(
                message_id,
                ending.why if ending else why,
                interrupted=ending is not None and ending.interrupted,
                timed_out=ending is not None and ending.timed_out,
                remedy=remedy,
            )
            for message_id in self._pending
        ]
        self._pending.clear()
        self._absorbed.clear()
        self._reset()
        return failures

    def receive(self, message: Message) -> list[ConversationEvent]:
        """Take the next message and return its events; an unknown or malformed message has none.

        Raises:
            Flooded: the turn writes too much; the session must end.
        """
        body = message.body
        match message.type:
            case "stream_event":
                return self._delta(body)
            case "assistant":
                self._accept(body)
                return self._tools_started(body)
            case "user":
                return self._tools_finished(body)
            case "result":
                return self._result(body)
            case "command_lifecycle":
                return self._lifecycle(body)
            case "system":
                self._accept(body)
                if text(body, "subtype") == "session_state_changed":
                    self._state_changed(text(body, "state"))
                elif text(body, "subtype") == "init":
                    self._without = tool_servers.without(body, self._servers)
            case kind if kind not in SILENT_TYPES and kind not in self._unknown and len(self._unknown) < 100:
                self._unknown.add(kind)
                logger.warning("unknown message type %.40r from Claude Code, ignored from now on", kind)
            case _:
                pass
        return []

    def _delta(self, body: Mapping[str, Any]) -> list[ConversationEvent]:
        if body.get("parent_tool_use_id") is not None:
            return []
        event = mapping(body, "event")
        match text(event, "type"):
            case "content_block_start":
                self._new_block = bool(self._partial)
            case "content_block_delta":
                delta = mapping(event, "delta")
                piece = text(delta, "text")
                if text(delta, "type") == "text_delta" and piece:
                    if self._new_block:
                        piece, self._new_block = "\n\n" + piece, False
                    if not self._partial:
                        piece = self._notice + self._without + piece
                    self._written += len(piece)
                    if self._written > MAX_TEXT:
                        raise Flooded(f"it wrote more than {MAX_TEXT:,} characters in one turn")
                    self._partial.append(piece)
                    return [TextDelta(text=piece)]
            case _:
                pass
        return []

    def _tools_started(self, body: Mapping[str, Any]) -> list[ConversationEvent]:
        events: list[ConversationEvent] = []
        for block in items(mapping(body, "message"), "content"):
            if isinstance(block, dict) and block.get("type") == "tool_use":
                tool_use_id = text(block, "id")
                if tool_use_id and tool_use_id not in self._tools:
                    self._called += 1
                    if self._called > MAX_CALLS:
                        raise Flooded(f"it called more than {MAX_CALLS:,} tools in one turn")
                    self._tools[tool_use_id] = False
                    events.append(
                        ToolStarted(tool_use_id=tool_use_id, name=text(block, "name"), input=mapping(block, "input"))
                    )
        return events

    def _tools_finished(self, body: Mapping[str, Any]) -> list[ConversationEvent]:
        events: list[ConversationEvent] = []
        for block in items(mapping(body, "message"), "content"):
            if isinstance(block, dict) and block.get("type") == "tool_result":
                tool_use_id = text(block, "tool_use_id")
                if self._tools.get(tool_use_id) is False:
                    self._tools[tool_use_id] = True
                    events.append(
                        ToolFinished(
                            tool_use_id=tool_use_id,
                            failed=block.get("is_error") is True,
                            result=_result_text(block.get("content"))[:MAX_RESULT],
                        )
                    )
        return events

    def _result(self, body: Mapping[str, Any]) -> list[ConversationEvent]:
        events: list[ConversationEvent] = list(read_usage(body))
        named = [uuid for uuid in items(body, "user_message_uuids") if isinstance(uuid, str)]
        named = named or [text(body, "user_message_uuid")]
        absorbed, self._absorbed = self._absorbed, set()
        ours: list[MessageId | None] = [one for one in self._pending if one in named or one in absorbed]
        for message_id in ours or [None]:
            events.append(self._end(body, message_id))
            if message_id is not None:
                del self._pending[message_id]
        self._reset()
        return events

    def _end(self, body: Mapping[str, Any], message_id: MessageId | None) -> Finished | Failed:
        """Return the outcome in a result; a refused API call has the subtype "success", and `is_error`."""
        answer = text(body, "result")
        if body.get("is_error") is not True and text(body, "subtype") == "success":
            # A later message with `priority: now` aborts a turn, which then succeeds without a text.
            answer = self._notice + self._without + answer if answer else "".join(self._partial)
            self._notice = ""
            return Finished(message_id=message_id, text=answer, stop_reason=text(body, "stop_reason") or "end_turn")
        if text(body, "terminal_reason").startswith("aborted"):
            ending = self._ending or Failed(message_id=None, why="it was interrupted", interrupted=True)
            return self._failed(message_id, ending.why, interrupted=ending.interrupted, timed_out=ending.timed_out)
        return self._failed(message_id, _reason(body))

    def _lifecycle(self, body: Mapping[str, Any]) -> list[ConversationEvent]:
        message_id = MessageId(text(body, "command_uuid"))
        if message_id not in self._pending:
            return []
        self._pending[message_id] = True
        match text(body, "state"):
            case "completed" if next(iter(self._pending)) != message_id:
                self._absorbed.add(message_id)  # it was taken into the running turn; the result of that turn answers it
                return []
            case "completed":  # its result would have come first
                why, ending = ALREADY_SEEN, None
            case "cancelled":  # removed from the queue: it never ran and has no result
                ending = self._ending
                why = ending.why if ending else "it was dropped before it began"
            case _:
                return []
        del self._pending[message_id]
        failed = self._failed(
            message_id,
            why,
            interrupted=ending is not None and ending.interrupted,
            timed_out=ending is not None and ending.timed_out,
        )
        self._reset()
        return [failed]

    def _accept(self, body: Mapping[str, Any]) -> None:
        for uuid in items(body, "user_message_uuids"):
            if isinstance(uuid, str) and MessageId(uuid) in self._pending:
                self._pending[MessageId(uuid)] = True

    def _state_changed(self, state: str) -> None:
        # The "idle" of a turn follows a "running". A second "idle" in a row belongs to a prompt that started no turn.
        if state == "idle" and self._idle and not self.accepted:
            self.ignored = True
        self._idle = state == "idle"

    def _failed(
        self,
        message_id: MessageId | None,
        why: str,
        *,
        interrupted: bool = False,
        timed_out: bool = False,
        remedy: str = "",
    ) -> Failed:
        return Failed(
            message_id=message_id,
            why=why,
            partial="".join(self._partial),
            interrupted=interrupted,
            timed_out=timed_out,
            remedy=remedy,
        )

    def _reset(self) -> None:
        self._partial = []
        self._new_block = False
        self._tools = {}
        self._ending = None


def _reason(body: Mapping[str, Any]) -> str:
    """Return why a turn failed, as a sentence for a person."""
    subtype = text(body, "subtype")
    if subtype == "error_max_turns":
        return "it stopped after the maximum number of steps"
    answer = text(body, "result")
    told = [answer] if answer else [error for error in items(body, "errors") if isinstance(error, str)]
    sentences = [sentence for sentence in told if not sentence.startswith("[ede_diagnostic]")]
    return "; ".join(sentences)[:MAX_REASON] or f"it ended the turn without an answer ({subtype or 'no reason given'})"


def _result_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(text(block, "text") for block in content if isinstance(block, dict) and text(block, "text"))
