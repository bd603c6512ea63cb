"""One answer of the offline model in the formats of the Messages API: a JSON message, or a stream of events.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from supervisor.models.token_estimate import estimate_tokens
from supervisor.protocol.values.record import record

SIGNATURE = "(offline model)"
"""The end of every unscripted final answer, so that people do not take it for an answer of a model."""

INPUT_CAP = 20_000
"""The most input tokens that are reported. Claude Code compacts a conversation when this count becomes large."""

WORDS = re.compile(r"\s*\S+\s*\Z|\s*\S+|\s+")
"""Splits a text into deltas of one word. The joined deltas are the text."""

JSON_DELTA = 64
"""The length of one `input_json_delta`, in characters."""


def new_id(prefix: str) -> str:
    """Return a new id in the form of the API, e.g. `toolu_...`."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


@record
class ToolUse:
    """A call of a tool that the client offers.

    Attributes:
        written: the input as it is streamed, where it is no JSON object; empty = `input`.
    """

    name: str
    input: Mapping[str, Any]
    written: str = ""
    id: str = field(default_factory=lambda: new_id("toolu"))


@record
class Reply:
    """An answer of the offline model.

    Attributes:
        text: the text before the tool calls; empty = no text.
        stop_reason: None = "tool_use" with tool calls, else "end_turn".
        usage: fields of the API's `usage` that replace the estimated ones.
    """

    text: str = ""
    tools: tuple[ToolUse, ...] = ()
    stop_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)

    def content(self) -> list[dict[str, Any]]:
        """Return the content blocks; at least one."""
        text = [{"type": "text", "text": self.text}] if self.text or not self.tools else []
        tools = [
            {"type": "tool_use", "id": t.id, "name": t.name, "input": t.written or dict(t.input)} for t in self.tools
        ]
        return [*text, *tools]

    def full_usage(self, input_characters: int) -> dict[str, Any]:
        """Return the `usage` object of the API. Counts that `usage` does not set are estimated from lengths."""
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
        """Return the answer as a `message` object of the API."""
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
    """Yield the events with which the API streams this `message` object."""
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
    """Return an event encoded as a server-sent event."""
    return f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


def _text_deltas(text: str) -> Iterator[dict[str, Any]]:
    for word in WORDS.findall(text):
        yield {"type": "text_delta", "text": word}


def _json_deltas(value: Mapping[str, Any] | str) -> Iterator[dict[str, Any]]:
    text = value if isinstance(value, str) else json.dumps(value)
    for at in range(0, len(text), JSON_DELTA):
        yield {"type": "input_json_delta", "partial_json": text[at : at + JSON_DELTA]}
