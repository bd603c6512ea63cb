"""Decodes the frames of chat clients, and encodes those of the server; the only module of the chat with JSON."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from supervisor.protocol.wire.omit import OMIT
from supervisor.wires.chat.frames import ClientFrame, ServerFrame, Token
from supervisor.wires.invalid_frames import explain, parse

TYPES = tuple(cls.__dataclass_fields__["type"].default for cls in get_args(ClientFrame))
"""Every `type` that a client may send."""

_FRAMES: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])


def decode(text: str) -> ClientFrame:
    """Return the frame of a client. Types are strict ("1" is not a number); unknown fields are ignored.

    Raises:
        InvalidMessage: it is not valid; the sentence names the field and what it must be.
    """
    # pydantic accepts NaN and Infinity, JSON does not. Searching for the names costs almost nothing.
    if "NaN" in text or "Infinity" in text:
        parse(text)
    try:
        return _FRAMES.validate_json(text, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise explain(parse(text), problem, TYPES) from None


def encode(frame: ServerFrame, seq: int) -> bytes:
    """Return a frame as UTF-8 text, with its number."""
    if type(frame) is Token:  # by far the most frequent
        return b'{"type":"token","content":%b,"seq":%d}' % (_json(frame.content), seq)
    return _json({"type": frame.type, **_fields(frame), "seq": seq})


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, without omitted ones."""
    found = {item.name: getattr(value, item.name) for item in fields(value)}
    return {name: _plain(given) for name, given in found.items() if given is not OMIT}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _json(value: Any) -> bytes:
    try:
        return to_json(value, inf_nan_mode="null")
    except PydanticSerializationError:
        # A text contains a lone surrogate: UTF-8 cannot encode it, but JSON can escape it.
        return json.dumps(value, default=dict).encode()
