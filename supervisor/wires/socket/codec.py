"""Decodes frames of the supervisor socket to requests, and encodes events as frames; the only module with JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError, to_json

from supervisor.delivery import sizes
from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.events import OMIT, AnyEvent, CostRow, HistoryMessage, Omit, SessionStatusReport
from supervisor.protocol.messages import well_formed
from supervisor.protocol.requests import AnyRequest, ClaudeCodeMessage
from supervisor.wires.invalid_frames import explain, parse

MAX_REQUEST_ID = 64
"""Longest `request_id` in characters; a longer one is not returned."""

INPUT_BYTES = 65_536
"""The longest text in the input of a tool call whose frame is too long."""

TYPES = tuple(cls.__dataclass_fields__["type"].default for cls in get_args(AnyRequest))
"""Every `type` that a client may send."""

_REQUESTS: TypeAdapter[AnyRequest] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="type")])


class BadFrame(InvalidMessage):
    """A frame that is not a valid request.

    Attributes:
        request_id: the `request_id` of the frame; None = it has none, or it cannot be read.
    """

    def __init__(self, field: str, must: str, request_id: str | None = None) -> None:
        super().__init__(field, must)
        self.request_id = request_id


def decode(text: str) -> AnyRequest:
    """Return the request in a frame. Types are strict ("1" is not a number); unknown fields are ignored.

    Raises:
        BadFrame: the frame is not a valid request; the sentence names the field and what it must be.
    """
    # pydantic accepts NaN and Infinity, JSON does not. Searching for the names costs almost nothing.
    if "NaN" in text or "Infinity" in text:
        _parse(text)
    try:
        request = _REQUESTS.validate_json(text, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise _explain(_parse(text), problem) from None
    if isinstance(request, ClaudeCodeMessage) and request.context:
        _refuse_infinite(request)
    return request


def as_dict(event: AnyEvent) -> dict[str, Any]:
    """Return the fields of an event as the wire names them."""
    return _SHAPES[type(event)].as_dict(event)


def encode(event: AnyEvent, request_id: str | None = None) -> bytes:
    """Return an event as the UTF-8 text of a frame, with the `request_id` of the request that it answers.

    A frame over 1 MiB, which clients refuse by default, is made shorter: see `_shorten`.
    """
    frame = as_dict(event)
    if request_id is not None:
        frame["request_id"] = request_id
    encoded = _to_json(frame)
    if len(encoded) > sizes.FRAME_BYTES:
        _shorten(frame)
        encoded = _to_json(frame)
    return encoded


def _to_json(frame: dict[str, Any]) -> bytes:
    try:
        return to_json(frame, inf_nan_mode="null")
    except PydanticSerializationError:
        # A text contains a lone surrogate: UTF-8 cannot encode it, but JSON can escape it.
        return json.dumps(frame, default=dict).encode()


def _shorten(frame: dict[str, Any]) -> None:
    """Make an event short enough: leave out the last items of its list, else cut its texts; `truncated` says so."""
    frame["truncated"] = True
    for name, value in list(frame.items()):
        if isinstance(value, list):
            frame[name] = sizes.page(value, value)
        elif isinstance(value, str) and len(text := sizes.fitting(well_formed(value))) < len(value):
            frame[name], frame["characters"] = text, len(value)
        elif isinstance(value, dict) and sizes.size_of(value) > sizes.CONTEXT_BYTES:
            shorter = {key: _shortened(item) for key, item in value.items()}
            frame[name] = shorter if sizes.size_of(shorter) <= sizes.ESCAPED_BYTES else {}


def _shortened(value: Any) -> Any:
    """Return a value of a long mapping: the beginning of its text, else null where it is long itself."""
    if isinstance(value, str):
        return sizes.fitting(value, most=INPUT_BYTES, escaped=INPUT_BYTES)
    return value if sizes.size_of(value) <= INPUT_BYTES else None


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a class of events becomes a dictionary; its fields are listed once, not for each event.

    Attributes:
        optional: fields that may be omitted.
        nested: the field that holds a list of items, with the items' shape.
    """

    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    optional: tuple[str, ...]
    nested: tuple[str, _Shape] | None = None

    def as_dict(self, event: object) -> dict[str, Any]:
        """Return the fields of an event by name, without omitted fields."""
        found = dict(zip(self.names, self.values(event), strict=True))
        for name in self.optional:
            if found[name] is OMIT:
                del found[name]
        if self.nested is not None:
            name, shape = self.nested
            found[name] = [shape.as_dict(item) for item in found[name]]
        return found


def _shape(cls: type, nested: tuple[str, _Shape] | None = None) -> _Shape:
    assert is_dataclass(cls)
    names = sorted((field.name for field in fields(cls)), key=lambda name: name != "type")
    optional = tuple(field.name for field in fields(cls) if isinstance(field.default, Omit))
    return _Shape(tuple(names), attrgetter(*names), optional, nested)


_ITEMS = {
    "sessions": ("sessions", _shape(SessionStatusReport)),
    "cost": ("rows", _shape(CostRow)),
    "history": ("messages", _shape(HistoryMessage)),
}
_SHAPES = {cls: _shape(cls, _ITEMS.get(cls.__dataclass_fields__["type"].default)) for cls in get_args(AnyEvent)}


def _refuse_infinite(request: ClaudeCodeMessage) -> None:
    """Return if a context can be encoded as JSON again; 1e999 is JSON, but Python reads it as infinity.

    Raises:
        BadFrame: it cannot.
    """
    try:
        json.dumps(request.context, allow_nan=False)
    except ValueError:
        raise BadFrame(
            "claude_code_message.context", "must hold no number larger than 1.8e308", request.request_id
        ) from None


def _parse(text: str) -> Any:
    """Return the content of a frame.

    Raises:
        BadFrame: the frame is not JSON.
    """
    try:
        return parse(text)
    except InvalidMessage as not_json:
        raise BadFrame(not_json.field, not_json.must) from None


def _explain(content: object, problem: ErrorDetails) -> BadFrame:
    """Return the error of an invalid frame, with its `request_id` where it has one."""
    found = explain(content, problem, TYPES)
    return BadFrame(found.field, found.must, _request_id(content))


def _request_id(content: object) -> str | None:
    found = content.get("request_id") if isinstance(content, dict) else None
    return found if isinstance(found, str) and len(found) <= MAX_REQUEST_ID else None
