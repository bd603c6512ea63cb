"""One answer of the scripted model, and how it looks on the wire: as JSON and as a stream of events."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.models.token_estimate import estimate_tokens

SIGNATURE = "(offline model)"
"""How every unscripted final answer ends: nobody shall take the script for a model."""

INPUT_CAP = 20_000
"""Most input tokens that are ever reported: Claude Code compacts a conversation by what we report."""

WORDS = re.compile(r"\s*\S+\s*\Z|\s*\S+|\s+")
"""Cuts a text into deltas of one word; joined they are the text."""

JSON_DELTA = 64
"""Characters of one `input_json_delta`."""


def new_id(prefix: str) -> str:
    """Return an id as the API makes them, e.g. `toolu_...`."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """A call of a tool that the client offered."""

    name: str
    input: Mapping[str, Any]
    id: str = field(default_factory=lambda: new_id("toolu"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the scripted model says.

    Attributes:
        stop_reason: None for what the API would say ("tool_use" with tools, else "end_turn").
        usage: fields of the API's usage that replace the estimated ones.
    """

    text: str = ""
    tools: tuple[ToolUse, ...] = ()
    stop_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)

    def content(self) -> list[dict[str, Any]]:
        """Return the content blocks; never none."""
        text = [{"type": "text", "text": self.text}] if self.text or not self.tools else []
        tools = [{"type": "tool_use", "id": t.id, "name": t.name, "input": dict(t.input)} for t in self.tools]
        return [*text, *tools]

    def full_usage(self, input_characters: int) -> dict[str, Any]:
        """Return the usage as the API reports it, estimated from lengths where the script does not say."""
        written = len(self.text) + sum(len(t.name) + len(json.dumps(t.input)) for t in self.tools)
        usage: dict[str, Any] = {
            "input_tokens": min(estimate_tokens(input_characters), INPUT_CAP),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": estimate_tokens(written),
            "service_tier": "standard",
        }
        usage.update(self.usage)
        if "cache_creation" not in usage:
            created = usage["cache_creation_input_tokens"]
            usage["cache_creation"] = {"ephemeral_5m_input_tokens": created, "ephemeral_1h_input_tokens": 0}
        elif "cache_creation_input_tokens" not in self.usage:
            usage["cache_creation_input_tokens"] = sum(usage["cache_creation"].values())
        return usage

    def message(self, model: str, input_characters: int) -> dict[str, Any]:
        """Return the whole answer as the API's `message` object."""
        return {
            "id": new_id("msg"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": self.content(),
            "stop_reason": self.stop_reason or ("tool_use" if self.tools else "end_turn"),
            "stop_sequence": None,
            "usage": self.full_usage(input_characters),
        }


def stream_events(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events in which the API streams a `message` object."""
    usage = message["usage"]
    opening = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": opening}
    for index, block in enumerate(message["content"]):
        is_text = block["type"] == "text"
        empty = {**block, "text": ""} if is_text else {**block, "input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        if index == 0:
            yield {"type": "ping"}
        deltas = _text_deltas(block["text"]) if is_text else _json_deltas(block["input"])
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    final = {name: count for name, count in usage.items() if isinstance(count, int)}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": final}
    yield {"type": "message_stop"}


def encode_event(event: Mapping[str, Any]) -> bytes:
    """Return one server-sent event."""
    return f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


def _text_deltas(text: str) -> Iterator[dict[str, Any]]:
    for word in WORDS.findall(text):
        yield {"type": "text_delta", "text": word}


def _json_deltas(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    text = json.dumps(value)
    for at in range(0, len(text), JSON_DELTA):
        yield {"type": "input_json_delta", "partial_json": text[at : at + JSON_DELTA]}
