"""The lines that Claude Code reads and writes: bytes in, typed frames out, and back. No I/O.

Newline-delimited JSON (`--output-format stream-json`), with control requests and responses in both directions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_LINE = 64 * 1024 * 1024
"""Longest line that is read, in bytes; beyond it the process is not speaking our protocol."""

HOOK_TIMEOUT = 24 * 3600
"""Seconds that Claude Code waits for a hook's answer: a person may take their time, and turns have a watchdog."""


class LineTooLong(Exception):
    """A line grew over its limit.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"it printed a line of more than {self.limit // (1024 * 1024)} MiB"


class Unanswered(Exception):
    """A request of ours got no answer, or a refusal.

    Args:
        why: a sentence.
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
            LineTooLong: the line in progress is over the limit.
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
    """Something that happens in the conversation: `assistant`, `stream_event`, `result`, `system`, ..."""

    type: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """Claude Code asks us something and waits: `hook_callback`, `can_use_tool`, ..."""

    request_id: str
    subtype: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCancel:
    """Claude Code no longer waits for our answer."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResponse:
    """The answer to a request of ours.

    Attributes:
        error: None where it succeeded.
    """

    request_id: str
    body: Mapping[str, Any]
    error: str | None = None


Frame = Message | ControlRequest | ControlCancel | ControlResponse


def parse_frame(line: bytes) -> Frame | None:
    """Return the frame of a line, or None where the line is none of the protocol."""
    try:
        body = json.loads(line)
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
    """Return a field that should be a string, or "" where it is anything else."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def mapping(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a field that should be an object, or {} where it is anything else."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def items(body: Mapping[str, Any], key: str) -> Sequence[Any]:
    """Return a field that should be an array, or [] where it is anything else."""
    value = body.get(key)
    return value if isinstance(value, list) else []


def user_message(message_id: str, *texts: str) -> bytes:
    """Return the line of a prompt.

    Args:
        message_id: a UUID; also the key by which Claude Code knows a repetition.
        texts: what is told first comes first, the person's own words last.
    """
    content = [{"type": "text", "text": text} for text in texts]
    return _line(
        {
            "type": "user",
            "uuid": message_id,
            "message": {"role": "user", "content": content},
            "parent_tool_use_id": None,
            "session_id": "default",
            "origin": {"kind": "human"},
        }
    )


def control_request(request_id: str, request: Mapping[str, Any]) -> bytes:
    """Return the line of a request of ours."""
    return _line({"type": "control_request", "request_id": request_id, "request": dict(request)})


def control_success(request_id: str, response: Mapping[str, Any]) -> bytes:
    """Return the line that answers a request of Claude Code's."""
    return _line(
        {
            "type": "control_response",
            "response": {"subtype": "success", "request_id": request_id, "response": dict(response)},
        }
    )


def control_error(request_id: str, error: str) -> bytes:
    """Return the line that refuses a request of Claude Code's."""
    return _line(
        {"type": "control_response", "response": {"subtype": "error", "request_id": request_id, "error": error}}
    )


def initialize() -> Mapping[str, Any]:
    """Return the first request: one PreToolUse hook for every tool, and no tool runs where the hook fails."""
    hook = {"matcher": "*", "hookCallbackIds": ["policy"], "timeout": HOOK_TIMEOUT, "onFailure": "block"}
    return {"subtype": "initialize", "hooks": {"PreToolUse": [hook]}}


def interrupt() -> Mapping[str, Any]:
    """Return the request that stops the running turn and drops what is queued behind it."""
    return {"subtype": "interrupt", "cancel_queued": True}


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"
