"""Scripts of the offline model: a prompt with `@@{"steps": [...]}` defines its own answers.

Example: `@@{"steps": [{"tools": [{"name": "Bash", "input": {"command": "ls"}}]}, {"text": "Done.", "delay": 0.5}]}`
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from supervisor.models.offline.reply import Reply, ToolUse, new_id
from supervisor.protocol.values.record import record

MARK = "@@{"
"""The start of a script in a prompt."""

LONGEST_DELAY = 3600.0
"""The longest delay that a step may have, in seconds."""


@record
class Step:
    """One answer of a script.

    Attributes:
        reply: the answer itself.
        delay: seconds before the answer starts.
        token_delay: seconds between two deltas.
        hang: do not answer; wait until the client disconnects.
        errors: HTTP statuses of the first attempts; the attempt after the last of them succeeds.
        retry_after: the `retry-after` header of these errors, in seconds; None = no header.
        drop_after: abort the connection after that many deltas; None = do not.
        sse_error: message of an `error` event that ends the stream instead of `message_delta`; empty = no error.
    """

    reply: Reply
    delay: float = 0.0
    token_delay: float = 0.0
    hang: bool = False
    errors: tuple[int, ...] = ()
    retry_after: float | None = None
    drop_after: int | None = None
    sse_error: str = ""


def find_script(prompt: str) -> tuple[Step, ...] | None:
    """Return the steps of the last valid script in a prompt; None = the prompt holds no valid script."""
    found: tuple[Step, ...] | None = None
    at = prompt.find(MARK)
    while at >= 0:
        after = at + len(MARK)
        try:
            script, after = json.JSONDecoder().raw_decode(prompt, at + len(MARK) - 1)
            found = _steps(script)
        except (ValueError, RecursionError):
            pass  # not a valid script: it is plain text of the prompt
        at = prompt.find(MARK, after)
    return found


def _steps(script: Mapping[str, Any]) -> tuple[Step, ...]:
    steps = script.get("steps")
    if not isinstance(steps, list):
        raise ValueError("steps must be a list")
    return tuple(_step(step) for step in steps)


def _step(given: object) -> Step:
    fields = dict(_object(given))
    read = {name: reader(fields.pop(name)) for name, reader in _READERS.items() if name in fields}
    reply = {name: reader(fields.pop(name)) for name, reader in _REPLY_READERS.items() if name in fields}
    if fields:
        raise ValueError(f"unknown fields: {', '.join(fields)}")
    return Step(reply=Reply(**reply), **read)


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("must be a whole number, 0 or more")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LONGEST_DELAY:
        raise ValueError(f"must be seconds, 0 to {LONGEST_DELAY:.0f}")
    return float(value)


def _statuses(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(400 <= _count(status) <= 599 for status in value):
        raise ValueError("must be a list of HTTP statuses from 400 to 599")
    return tuple(value)


def _sse_error(value: object) -> str:
    if isinstance(value, bool):
        return "Overloaded" if value else ""
    return _text(value)


def _tools(value: object) -> tuple[ToolUse, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    return tuple(
        ToolUse(
            name=_text(tool.get("name")),
            input=_object(tool.get("input", {})),
            written=_text(tool.get("written", "")),
            id=_text(tool["id"]) if "id" in tool else new_id("toolu"),
        )
        for tool in map(_object, value)
    )


def _usage(value: object) -> Mapping[str, Any]:
    usage: dict[str, Any] = dict(_object(value))
    split = {name: _count(count) for name, count in _object(usage.pop("cache_creation", {})).items()}
    counts: dict[str, Any] = {name: _count(count) for name, count in usage.items()}
    return {**counts, "cache_creation": split} if split else counts


_REPLY_READERS: Mapping[str, Callable[[object], Any]] = {
    "text": _text,
    "tools": _tools,
    "stop_reason": _text,
    "usage": _usage,
}

_READERS: Mapping[str, Callable[[object], Any]] = {
    "delay": _seconds,
    "token_delay": _seconds,
    "hang": _flag,
    "errors": _statuses,
    "retry_after": _seconds,
    "drop_after": _count,
    "sse_error": _sse_error,
}
