"""Decodes the frames of chat clients, and encodes those of the server; the only module of the chat with JSON."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError, from_json, to_json

from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.requests import NOT_BLANK
from supervisor.protocol.wire.omit import OMIT
from supervisor.wires.chat.frames import ClientFrame, ServerFrame, Token

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
        _parse(text)
    try:
        return _FRAMES.validate_json(text, strict=True)
    except ValidationError as error:
        raise _explain(text, error.errors(include_url=False, include_input=False)[0]) from None


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


def _parse(text: str) -> Any:
    """Return the content of a frame, parsed strictly as JSON.

    Raises:
        InvalidMessage: the frame is not JSON.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidMessage("", f"the frame must be JSON: {error}") from None


def _explain(text: str, problem: ErrorDetails) -> InvalidMessage:
    """Return the error of an invalid frame, in the words of protocol.md instead of pydantic's."""
    try:
        content = _parse(text)
    except InvalidMessage as not_json:
        return not_json
    if not isinstance(content, dict):
        return InvalidMessage("", f"the frame must be a JSON object, not {_KINDS[type(content)]}")
    if "type" not in content:
        return InvalidMessage("type", "field required")
    kind = content["type"]
    if not isinstance(kind, str) or kind not in TYPES:
        return InvalidMessage("type", f"must be one of {', '.join(TYPES)}")
    return InvalidMessage(".".join(map(str, problem["loc"])), _must(problem))


_KINDS = {
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a truth value",
    type(None): "null",
}


def _must(problem: ErrorDetails) -> str:
    """Return what a field must be, from an error of pydantic."""
    limits = problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return "field required"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must have at most {limits['max_length']} characters"
        case "string_pattern_mismatch" if limits["pattern"] == NOT_BLANK:
            return "must not be blank"
        case "string_pattern_mismatch":
            return f"must match {limits['pattern'].removeprefix('^').removesuffix('$')}"
        case "greater_than_equal":
            return f"must be at least {limits['ge']}"
        case "less_than_equal":
            return f"must be at most {limits['le']}"
        case "literal_error":
            return f"must be {limits['expected']}"
        case kind:
            return _TYPES.get(kind, problem["msg"])


_TYPES = {
    "string_type": "must be a string",
    "string_unicode": "must be a string of valid Unicode",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
}
