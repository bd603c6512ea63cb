"""Reads how large a model call can become from the body of its request; does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.protocol.text.foreign_json import loads
from supervisor.protocol.values.record import record

WHOLE_CONTEXT = 1_000_000
"""The largest prompt of any model, in tokens. Images and documents count as this much."""

CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_", "tool_search_tool_")
"""Prefixes of the types of tools that the caller runs itself, or that are free."""

PRICED: Mapping[str, str] = {"speed": "standard", "inference_geo": "global"}
"""Request fields that change the price, with the only value whose price is known."""


class UnmeterableCall(Exception):
    """The gateway refuses the request, because no limit or price covers it.

    Attributes:
        why: the sentence for the caller.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@record
class CallSize:
    """The upper limits of one call.

    Attributes:
        model: the model that the request names.
        max_tokens: the most tokens that the model may write; 0 = the request sets no maximum.
        prompt_tokens: the most tokens that the prompt can have.
    """

    model: str
    max_tokens: int
    prompt_tokens: int


def read_call_size(raw: bytes) -> CallSize:
    """Return the size of the call whose request body is `raw`.

    Raises:
        UnmeterableCall: the body is not a request, or asks for something that limits and prices do not cover.
    """
    try:
        body: Any = loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise UnmeterableCall("the body must be a JSON object with a model")
    max_tokens = body.get("max_tokens", 0)
    if type(max_tokens) is not int:  # the API may accept 32000.0 and true as numbers
        raise UnmeterableCall("max_tokens: must be a whole number")
    for name, value in PRICED.items():
        if body.get(name) not in (None, value):
            raise UnmeterableCall(f"{name}: must be {value}, for which the price is known")
    if body.get("mcp_servers"):
        raise UnmeterableCall("mcp_servers: must be empty: no policy decides about tools that the API calls by itself")
    for tool in _list(body.get("tools")):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind is not None and not str(kind).startswith(CLIENT_TOOLS):
            raise UnmeterableCall(
                f"tools: no policy decides about {str(kind)[:80]!r}, which the API would call by itself"
            )
    # A token of text has at least one byte. A small document, or one that is only named, can have any number of tokens.
    prompt_tokens = max(len(raw), WHOLE_CONTEXT) if _holds_files(body.get("messages")) else len(raw)
    return CallSize(model=body["model"], max_tokens=max(max_tokens, 0), prompt_tokens=prompt_tokens)


def _holds_files(messages: object) -> bool:
    """Return whether the messages hold an image or a document, at any depth."""
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
