"""Says what is wrong with a frame of a client, in the words of protocol.md; every wire with JSON frames uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import ErrorDetails, from_json

from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.requests import NOT_BLANK


def parse(text: str) -> Any:
    """Return the content of a frame, parsed strictly as JSON (RFC 8259): NaN and Infinity are none.

    Raises:
        InvalidMessage: the frame is not JSON.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidMessage("", f"the frame must be JSON: {error}") from None


def explain(content: object, problem: ErrorDetails, types: Sequence[str]) -> InvalidMessage:
    """Return the error of an invalid frame: the field, and what it must be.

    Args:
        content: of the frame, as `parse` returns it.
        problem: the first one that pydantic found.
        types: every `type` that a client may send.
    """
    if not isinstance(content, dict):
        return InvalidMessage("", f"the frame must be a JSON object, not {_KINDS[type(content)]}")
    if "type" not in content:
        return InvalidMessage("type", "field required")
    kind = content["type"]
    if not isinstance(kind, str) or kind not in types:
        return InvalidMessage("type", f"must be one of {', '.join(types)}")
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
        case "string_too_short" if limits["min_length"] == 1:
            return "must not be empty"
        case "string_too_short":
            return f"must have at least {limits['min_length']} characters"
        case "string_too_long":
            return f"must have at most {limits['max_length']} characters"
        case "string_pattern_mismatch" if limits["pattern"] == NOT_BLANK:
            return "must not be blank"
        case "string_pattern_mismatch":
            return f"must match {limits['pattern'].removeprefix('^').removesuffix('$')}"
        case "too_long":
            return f"must have at most {limits['max_length']} items"
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
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
}
