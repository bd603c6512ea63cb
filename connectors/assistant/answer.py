"""One answer of the model, put together from the events of its stream. It does no I/O.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anthropic.types import (
    ContentBlockParam,
    MessageDeltaUsage,
    RawContentBlockDelta,
    RawMessageStreamEvent,
    ToolUseBlock,
    Usage,
)

from connectors.assistant.failures import UnreadableAnswer
from supervisor.protocol.conversation import TextDelta, Tokens, ToolBegun, UsageReported
from supervisor.protocol.text import foreign_json


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCall:
    """A tool call as the model wrote it.

    Attributes:
        input: None = what the model wrote is no JSON object.
    """

    id: str
    name: str
    input: Mapping[str, Any] | None


@dataclass(slots=True)
class _Text:
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    given: Mapping[str, Any]
    parts: list[str] = field(default_factory=list)

    def written(self) -> WrittenCall:
        return WrittenCall(id=self.id, name=self.name, input=_input("".join(self.parts)) if self.parts else self.given)


class Answer:
    """An answer that arrives; `take` gets the events of its stream in order.

    Attributes:
        complete: the stream has ended as it should.
        stop_reason: empty = not known yet.
    """

    def __init__(self) -> None:
        self.complete = False
        self.stop_reason = ""
        self._blocks: dict[int, _Text | _Call | None] = {}
        self._model = ""
        self._usage: Usage | None = None
        self._last: MessageDeltaUsage | None = None

    def take(self, event: RawMessageStreamEvent) -> TextDelta | ToolBegun | None:
        """Take an event; return what those see of it who watch the answer arrive.

        Raises:
            UnreadableAnswer, or a type of `failures.BROKEN_FORMAT`: the stream breaks the rules of its format.
        """
        match event.type:
            case "message_start":
                _tokens(event.message.usage, None)  # figures that cannot be read are found here
                self._usage, self._model = event.message.usage, _text(event.message.model)
            case "content_block_start":
                block = event.content_block
                if isinstance(block, ToolUseBlock):
                    return self._begin_call(event.index, block)
                self._blocks[event.index] = _Text() if block.type == "text" else None
                if block.type == "text" and block.text:
                    return self._write(event.index, block.text)
            case "content_block_delta":
                return self._delta(event.index, event.delta)
            case "message_delta":
                if self._usage is None:
                    raise UnreadableAnswer("an end without a beginning")
                _tokens(self._usage, event.usage)
                self._last = event.usage
                self.stop_reason = event.delta.stop_reason or self.stop_reason
            case "message_stop":
                self.complete = True
                self.stop_reason = self.stop_reason or "end_turn"
            case _:
                pass  # the end of a block, and events of later versions
        return None

    def _begin_call(self, index: int, block: ToolUseBlock) -> ToolBegun:
        call = _Call(_text(block.id), _text(block.name), block.input)
        self._blocks[index] = call
        return ToolBegun(tool_use_id=call.id, name=call.name)

    def _delta(self, index: int, delta: RawContentBlockDelta) -> TextDelta | None:
        if delta.type == "text_delta":
            return self._write(index, delta.text)
        if delta.type == "input_json_delta":
            call = self._blocks[index]
            if not isinstance(call, _Call):
                raise UnreadableAnswer("the input of a tool call outside of one")
            call.parts.append(_text(delta.partial_json))
        return None

    def _write(self, index: int, text: str) -> TextDelta:
        block = self._blocks[index]
        if not isinstance(block, _Text):
            raise UnreadableAnswer("a text outside of a block of text")
        block.parts.append(_text(text))
        return TextDelta(text=text)

    @property
    def calls(self) -> Sequence[WrittenCall]:
        """The tool calls of the answer, in order."""
        return [block.written() for _, block in sorted(self._blocks.items()) if isinstance(block, _Call)]

    def content(self) -> list[ContentBlockParam]:
        """Return the answer as the next request repeats it."""
        found: list[ContentBlockParam] = []
        for _, block in sorted(self._blocks.items()):
            if isinstance(block, _Text) and (text := "".join(block.parts)).strip():
                found.append({"type": "text", "text": text})
            elif isinstance(block, _Call):
                call = block.written()
                found.append({"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.input or {})})
        return found

    def usage(self) -> UsageReported | None:
        """Return what the answer used until now; None = it has not begun."""
        if self._usage is None:
            return None
        return UsageReported(model=self._model, tokens=_tokens(self._usage, self._last))


def _text(value: object) -> str:
    """Return a value that must be a text; the client does not check it.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _input(written: str) -> Mapping[str, Any] | None:
    try:
        value = foreign_json.loads(written)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _tokens(first: Usage, last: MessageDeltaUsage | None) -> Tokens:
    """Return the figures of a call: those at its end are cumulative, and may leave some out.

    Raises:
        TypeError, AttributeError: they cannot be read.
    """
    split = first.cache_creation
    written = first.cache_creation_input_tokens or 0
    read, given, output = first.cache_read_input_tokens or 0, first.input_tokens, first.output_tokens
    if last is not None:
        output = last.output_tokens
        given = last.input_tokens if last.input_tokens is not None else given
        read = last.cache_read_input_tokens if last.cache_read_input_tokens is not None else read
        if last.cache_creation_input_tokens is not None and split is None:
            written = last.cache_creation_input_tokens
    tokens = Tokens(
        input=given,
        output=output,
        cache_read=read,
        cache_write_5m=split.ephemeral_5m_input_tokens if split else written,
        cache_write_1h=split.ephemeral_1h_input_tokens if split else 0,
    )
    return Tokens() + tokens  # a figure that is no number is found here
