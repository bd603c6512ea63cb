"""Reads the server-sent events of a streamed answer, and keeps what they add up to.

https://docs.anthropic.com/en/docs/build-with-claude/streaming and
https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from supervisor.protocol.text import foreign_json

MAX_LINE = 4 * 1024 * 1024
"""Most bytes of a line; a whole answer has fewer."""

COUNTS = (
    ("input_tokens",),
    ("output_tokens",),
    ("cache_read_input_tokens",),
    ("cache_creation_input_tokens",),
    ("cache_creation", "ephemeral_5m_input_tokens"),
    ("cache_creation", "ephemeral_1h_input_tokens"),
)
"""The numbers of tokens that a usage may have; others are not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event.

    Attributes:
        type: as the API names it, but `text` for a piece of the answer; types of later versions come as they are.
        text: the piece of the answer; empty for other types.
    """

    type: str
    text: str = ""


@dataclass(slots=True, kw_only=True)
class Message:
    """What the events so far add up to.

    Attributes:
        stop_reason: why the model ended its answer; None = not yet known.
        usage: the tokens, under the names of the API. Missing or null = none.
    """

    model: str
    stop_reason: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)

    def tokens(self, *path: str) -> int:
        """Return a number of tokens, e.g. `tokens("cache_creation", "ephemeral_5m_input_tokens")`; 0 = none.

        Raises:
            ValueError: the API has sent something else there.
        """
        value: object = self.usage
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            return 0
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"usage.{'.'.join(path)} is no number of tokens")
        return value


class Stream:
    """The events of one answer; iterate over it once.

    Args:
        content: the bytes of the response, in pieces of any size.
        failure: returns the error to raise for the body of an event `error`.

    Raises:
        ValueError: while iterating, where the stream breaks the rules of its format.
    """

    def __init__(self, content: AsyncIterator[bytes], failure: Callable[[object], Exception]) -> None:
        self._content = content
        self._failure = failure
        self._message: Message | None = None

    @property
    def message(self) -> Message:
        """What the events so far add up to; valid after the event `message_start`."""
        if self._message is None:
            raise ValueError("the answer has not begun")
        return self._message

    async def __aiter__(self) -> AsyncIterator[Event]:
        data: list[bytes] = []
        async for line in _lines(self._content):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield self._take(b"\n".join(data))
                data.clear()

    def _take(self, data: bytes) -> Event:
        try:
            body = foreign_json.loads(data)
        except RecursionError:
            raise ValueError("an event is nested too deeply") from None
        kind = body.get("type") if isinstance(body, dict) else None
        if not isinstance(kind, str):
            raise ValueError("an event has no type")
        match kind:
            case "error":
                raise self._failure(body)
            case "message_start":
                message = _part(body, "message")
                self._message = Message(model=_text(message, "model"))
                self._count(_part(message, "usage"))
            case "message_delta":
                stop_reason = _part(body, "delta").get("stop_reason")
                if stop_reason is not None:
                    self.message.stop_reason = _text(_part(body, "delta"), "stop_reason")
                usage = _part(body, "usage") if body.get("usage") is not None else {}
                self._count({name: value for name, value in usage.items() if value is not None})
            case "content_block_delta":
                delta = _part(body, "delta")
                if delta.get("type") == "text_delta":
                    return Event(type="text", text=_text(delta, "text"))
            case _:
                pass  # the ends of blocks and messages, pings, and events of later versions
        return Event(type=kind)

    def _count(self, usage: dict[str, Any]) -> None:
        self.message.usage |= usage
        for path in COUNTS:
            self.message.tokens(*path)


async def _lines(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of a stream without their ends; what follows the last line end is no line."""
    rest = bytearray()
    async for piece in content:
        rest += piece
        *whole, last = rest.split(b"\n") if b"\n" in piece else (rest,)
        if len(last) > MAX_LINE:
            raise ValueError("a line of the stream is too long")
        for line in whole:
            yield bytes(line.removesuffix(b"\r"))
        rest = bytearray(last)


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    if not isinstance(part, dict):
        raise ValueError(f"an event has no {name}")
    return part


def _text(body: dict[str, Any], name: str) -> str:
    text = body.get(name)
    if not isinstance(text, str):
        raise ValueError(f"an event has no {name}")
    return text
