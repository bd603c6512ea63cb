"""What a request asks the model for, as far as limits and prices depend on it; does no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WHOLE_CONTEXT = 1_000_000
"""Tokens that no prompt exceeds, whatever its images and documents come to."""

CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_", "tool_search_tool_")
"""How the types of tools begin that the caller runs, or that cost nothing."""

PRICED: Mapping[str, str] = {"speed": "standard", "inference_geo": "global"}
"""Fields that change the price, and the value for which it is known."""


@dataclass(frozen=True, slots=True)
class Unmetered(Exception):
    """The gateway does not pass on such a request."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSize:
    """What a request asks for.

    Attributes:
        max_tokens: the most that may be written; 0 where it does not say.
        prompt_tokens: the most that its prompt can be.
    """

    model: str
    max_tokens: int
    prompt_tokens: int


def read_call_size(raw: bytes) -> CallSize:
    """Read the body of a request.

    Raises:
        Unmetered: it is none, or asks for what limits and prices do not cover.
    """
    try:
        body: Any = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise Unmetered("the body must be a JSON object with a model")
    most = body.get("max_tokens", 0)
    if type(most) is not int:  # 32000.0 and true may be numbers to the API
        raise Unmetered("max_tokens: must be a whole number")
    for name, value in PRICED.items():
        if body.get(name) not in (None, value):
            raise Unmetered(f"{name}: must be {value}, for which the price is known")
    if body.get("mcp_servers"):
        raise Unmetered("mcp_servers: must be empty: no policy decides about tools that the API calls by itself")
    for tool in _list(body.get("tools")):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind is not None and not str(kind).startswith(CLIENT_TOOLS):
            raise Unmetered(f"tools: no policy decides about {str(kind)[:80]!r}, which the API would call by itself")
    # No token of a text is shorter than a byte. A document of few bytes, or one only named, may have any number.
    prompt_tokens = max(len(raw), WHOLE_CONTEXT) if _holds_files(body.get("messages")) else len(raw)
    return CallSize(model=body["model"], max_tokens=max(most, 0), prompt_tokens=prompt_tokens)


def _holds_files(messages: object) -> bool:
    """Return whether there is an image or a document in some messages, at any depth."""
    left = [messages]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if isinstance(value.get("source"), dict):
                return True
            left += value.values()
        elif isinstance(value, list):
            left += value
    return False


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
