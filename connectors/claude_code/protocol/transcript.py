"""Reads in Claude Code's transcript how far it had come with a prompt: lines in, a `Trace` out. No I/O.

A transcript has one JSON object per line; the last line may be cut off. The format is not documented; it was observed
with Claude Code 2.1.329, and the tests run the real program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.claude_code.protocol.frames import items, mapping, text
from supervisor.protocol.conversation import Trace, TraceKind
from supervisor.protocol.text.foreign_json import loads

WORKS_ON = ("command", "file_path", "notebook_path", "path", "pattern", "description")
"""Fields of a tool's input that name its object, the most useful first."""

MAX_SUMMARY = 80


def trace(lines: Iterable[bytes], message_id: str) -> Trace:
    """Return the state of a prompt, given its uuid; where it was sent again, its newest entry counts."""
    reader = _Reader(message_id)
    for line in lines:
        # Most lines are recorded requests, which are not entries of the conversation: do not parse them.
        if b'"user"' in line or b'"assistant"' in line:
            reader.read(_entry(line))
    return reader.trace()


class _Reader:
    """Reads the entries behind one prompt, up to the next prompt."""

    def __init__(self, message_id: str) -> None:
        self._message_id = message_id
        self._found = False
        self._begin(inside=False)

    def _begin(self, *, inside: bool) -> None:
        self._inside = inside
        self._spoken = False
        self._tools: dict[str, str] = {}
        self._last = ("", "")  # the last message's id, and why it stopped
        self._texts: dict[str, list[str]] = {}

    def read(self, entry: Mapping[str, Any]) -> None:
        match text(entry, "type"):
            case "user":
                self._user(entry)
            case "assistant" if self._inside:
                self._assistant(entry)
            case _:
                pass

    def trace(self) -> Trace:
        message_id, stop_reason = self._last
        if not self._found:
            return Trace(kind=TraceKind.ABSENT)
        tools = dict(self._tools)
        if stop_reason == "end_turn":
            answer = "\n\n".join(self._texts.get(message_id, []))
            return Trace(kind=TraceKind.ANSWERED, tools=tools, answer=answer)
        if tools:
            return Trace(kind=TraceKind.STARTED, tools=tools)
        return Trace(kind=TraceKind.SPOKEN if self._spoken else TraceKind.UNANSWERED)

    def _user(self, entry: Mapping[str, Any]) -> None:
        if entry.get("uuid") == self._message_id:
            self._found = True
            self._begin(inside=True)
        elif self._inside and _is_prompt(entry):
            self._inside = False

    def _assistant(self, entry: Mapping[str, Any]) -> None:
        message = mapping(entry, "message")
        blocks = [block for block in items(message, "content") if isinstance(block, dict)]
        self._spoken = self._spoken or bool(blocks)
        for block in blocks:
            if block.get("type") == "tool_use":
                self._tools[text(block, "id")] = _summary(block)
        if entry.get("isSidechain") is True or not blocks:
            return  # of a subagent: its end is not the end of the turn
        message_id = text(message, "id")
        self._last = message_id, text(message, "stop_reason")
        for block in blocks:
            if text(block, "text"):
                self._texts.setdefault(message_id, []).append(text(block, "text"))


def _entry(line: bytes) -> Mapping[str, Any]:
    """Return the entry in a line; {} where the line is cut off or holds none."""
    try:
        entry = loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _is_prompt(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of type `user` is a prompt, and not the result of a tool or a note of Claude Code."""
    if entry.get("isSidechain") is True or entry.get("isMeta") is True:
        return False
    content = mapping(entry, "message").get("content")
    if not isinstance(content, list):
        return True
    return not any(isinstance(block, dict) and block.get("type") == "tool_result" for block in content)


def _summary(block: Mapping[str, Any]) -> str:
    values = mapping(block, "input")
    detail = next((text(values, key) for key in WORKS_ON if text(values, key)), "")
    return f"{text(block, 'name')} {' '.join(detail.split())}".strip()[:MAX_SUMMARY]
