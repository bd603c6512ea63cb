"""Reads the token counts from an answer of the Messages API while it streams through; does no I/O.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.models.token_estimate import estimate_tokens
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.text.foreign_json import loads

LONGEST_EVENT = 16 * 1024 * 1024
"""The longest event, or answer without streaming, that is read, in bytes. A longer one is not counted."""

WRITTEN = ("text", "partial_json", "thinking")
"""The fields of a `content_block_delta` that hold output of the model."""


def read_tokens(usage: Mapping[str, Any]) -> Tokens:
    """Return the tokens of a `usage` object of the API.

    Cache writes of unknown duration count as cache writes for five minutes. The API lists its own compactions of the
    conversation under `iterations`, outside its sums; their tokens are added.
    """
    steps = usage.get("iterations")
    compactions = [step for step in steps if _compacts(step)] if isinstance(steps, list) else []
    return sum((_counts(step) for step in compactions), start=_counts(usage))


def _compacts(step: object) -> bool:
    return isinstance(step, Mapping) and step.get("type") == "compaction"


def _counts(usage: Mapping[str, Any]) -> Tokens:
    written = _count(usage, "cache_creation_input_tokens")
    given = usage.get("cache_creation")
    split = given if isinstance(given, Mapping) else {}
    hour = _count(split, "ephemeral_1h_input_tokens")
    return Tokens(
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cache_read=_count(usage, "cache_read_input_tokens"),
        cache_write_5m=max(written - hour, _count(split, "ephemeral_5m_input_tokens")),
        cache_write_1h=hour,
    )


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0


class UsageReader:
    """Base class of the two readers. It is fed the bytes of an answer and knows the tokens so far.

    Attributes:
        model: the model's name in the answer; None until the answer has started.
        complete: the API has sent the final counts.
        ended: the answer has reached its regular end.
    """

    def __init__(self) -> None:
        self.model: str | None = None
        self.complete = False
        self.ended = False
        self._usage: dict[str, Any] = {}
        self._characters = 0

    @property
    def tokens(self) -> Tokens:
        """The tokens so far. The output is estimated from the length of the text until `complete`."""
        usage = self._usage
        if not self.complete and self._characters:
            usage = {**usage, "output_tokens": max(_count(usage, "output_tokens"), estimate_tokens(self._characters))}
        return read_tokens(usage)

    def feed(self, data: bytes) -> None:
        """Read the next chunk; an event may span several chunks."""
        raise AssertionError("the base class is never fed")

    def close(self) -> None:
        """Note that the answer has no more bytes."""

    def _begin(self, message: Mapping[str, Any]) -> None:
        self.model = str(message.get("model") or "")
        self._update(message.get("usage"))

    def _update(self, usage: object) -> None:
        # Counts only grow, but a later report may omit some of them or set them to 0.
        if isinstance(usage, Mapping):
            self._usage.update({name: value for name, value in usage.items() if value})


class StreamReader(UsageReader):
    """Reads an answer that comes as server-sent events."""

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""
        self._shown = False  # whether the thinking block before the next signature had text

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_EVENT:
            self._rest = b""
        for line in lines:
            # The API writes the data of an event on one line.
            if line.startswith(b"data:"):
                self._event(_parse(line[5:]))

    def _event(self, event: Mapping[str, Any]) -> None:
        match event:
            case {"type": "content_block_delta", "delta": Mapping() as delta}:
                self._characters += sum(len(text) for name in WRITTEN if isinstance(text := delta.get(name), str))
                match delta:
                    case {"thinking": str(text)} if text:
                        self._shown = True
                    case {"signature": str(signature)}:
                        # For hidden thinking, the signature is the only hint at its length.
                        self._characters += 0 if self._shown else len(signature)
                        self._shown = False
                    case _:
                        pass
            case {"type": "message_start", "message": Mapping() as message}:
                self._begin(message)
            case {"type": "message_delta", "delta": Mapping() as change}:
                self._update(event.get("usage"))
                # Counts without a stop reason are not final.
                self.complete = change.get("stop_reason") is not None
            case {"type": "message_stop" | "error"}:
                self.ended = True
            case _:
                pass  # other events carry no usage


class MessageReader(UsageReader):
    """Reads an answer that comes as one JSON document."""

    def __init__(self) -> None:
        super().__init__()
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        if len(self._body) + len(data) <= LONGEST_EVENT:
            self._body += data

    def close(self) -> None:
        message = _parse(bytes(self._body))
        self.ended = True
        if message.get("type") == "message":
            self._begin(message)
            self.complete = True


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        parsed = loads(data)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
