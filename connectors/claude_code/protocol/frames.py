"""The lines that Claude Code reads and writes, as typed frames. No I/O.

Newline-delimited JSON (`--output-format stream-json`), with control requests and responses in both directions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supervisor.protocol.text.foreign_json import loads

MAX_LINE = 64 * 1024 * 1024
"""Longest line in bytes; a process that prints a longer one does not speak this protocol."""

HOOK_TIMEOUT = 24 * 3600
"""Seconds that Claude Code waits for the answer of a hook: a person may take long, and a watchdog limits turns."""


class LineTooLong(Exception):
    """A line is longer than the limit.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"it printed a line of more than {self.limit // (1024 * 1024)} MiB"


class Unanswered(Exception):
    """A control request got no response, or was refused.

    Args:
        why: a sentence for a person.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class LineSplitter:
    """Cuts a stream of bytes into lines.

    Args:
        limit: longest line, in bytes.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the lines that they complete, without their newline.

        Raises:
            LineTooLong: a line is longer than the limit.
        """
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest = bytearray(rest)
        else:
            self._rest += rest
        if len(self._rest) > self._limit or any(len(line) > self._limit for line in lines):
            raise LineTooLong(self._limit)
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event of the conversation: `assistant`, `stream_event`, `result`, `system`, ..."""

    type: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """A request of Claude Code that waits for a response: `hook_callback`, `can_use_tool`, ..."""

    request_id: str
    subtype: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCancel:
    """Claude Code cancels a request; it no longer waits for the response."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResponse:
    """The response to a request of the connector.

    Attributes:
        error: None where the request succeeded.
    """

    request_id: str
    body: Mapping[str, Any]
    error: str | None = None


Frame = Message | ControlRequest | ControlCancel | ControlResponse


def parse_frame(line: bytes) -> Frame | None:
    """Return the frame in a line, or None where the line holds none."""
    try:
        body = loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        return None
    match body["type"]:
        case "control_request":
            request = mapping(body, "request")
            return ControlRequest(request_id=text(body, "request_id"), subtype=text(request, "subtype"), body=request)
        case "control_cancel_request":
            return ControlCancel(request_id=text(body, "request_id"))
        case "control_response":
            response = mapping(body, "response")
            failed = text(response, "subtype") != "success"
            return ControlResponse(
                request_id=text(response, "request_id"),
                body=mapping(response, "response"),
                error=(text(response, "error") or "no reason given") if failed else None,
            )
        case kind:
            return Message(type=kind, body=body)


def text(body: Mapping[str, Any], key: str) -> str:
    """Return a field that should be a string; "" where it is missing or of another type."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def mapping(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a field that should be an object; {} where it is missing or of another type."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def items(body: Mapping[str, Any], key: str) -> Sequence[Any]:
    """Return a field that should be an array; [] where it is missing or of another type."""
    value = body.get(key)
    return value if isinstance(value, list) else []


def user_message(message_id: str, *texts: str) -> bytes:
    """Return the line of a prompt.

    Args:
        message_id: a UUID; Claude Code also deduplicates prompts by it.
        texts: the blocks of the prompt in order; the last one is the person's own text.
    """
    content = [{"type": "text", "text": text} for text in texts]
    frame: dict[str, Any] = {
        "type": "user",
        "uuid": message_id,
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
        "session_id": "default",
        "origin": {"kind": "human"},
    }
    if texts[-1].strip().lstrip("\ufeff").lstrip().startswith("/"):
        # Otherwise Claude Code takes "/login" and the like for one of its commands, and the model never reads it. Not
        # set on other prompts: it also turns off the keyword "ultrathink" and the note about "@path".
        frame["text_not_typed"] = True
    return _line(frame)


def control_request(request_id: str, request: Mapping[str, Any]) -> bytes:
    """Return the line of a control request to Claude Code."""
    return _line({"type": "control_request", "request_id": request_id, "request": dict(request)})


def control_success(request_id: str, response: Mapping[str, Any]) -> bytes:
    """Return the line that answers a control request of Claude Code."""
    return _line(
        {
            "type": "control_response",
            "response": {"subtype": "success", "request_id": request_id, "response": dict(response)},
        }
    )


def control_error(request_id: str, error: str) -> bytes:
    """Return the line that refuses a control request of Claude Code."""
    return _line(
        {"type": "control_response", "response": {"subtype": "error", "request_id": request_id, "error": error}}
    )


def initialize() -> Mapping[str, Any]:
    """Return the first request: it registers a PreToolUse hook for all tools; a tool does not run if the hook fails."""
    hook = {"matcher": "*", "hookCallbackIds": ["policy"], "timeout": HOOK_TIMEOUT, "onFailure": "block"}
    return {"subtype": "initialize", "hooks": {"PreToolUse": [hook]}}


def interrupt() -> Mapping[str, Any]:
    """Return the request that stops the running turn and drops the prompts queued behind it."""
    return {"subtype": "interrupt", "cancel_queued": True}


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"
