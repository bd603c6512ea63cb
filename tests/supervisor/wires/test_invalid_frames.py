"""What is wrong with a frame is said in the words of the protocol, the same on every wire."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from supervisor.protocol.errors import InvalidMessage
from supervisor.wires.invalid_frames import explain, parse


class Frame(BaseModel):
    """A frame with a field of each kind that fails in its own way."""

    type: Literal["say"]
    name: Annotated[str, Field(min_length=1, max_length=3)] = "a"
    code: Annotated[str, Field(min_length=2)] = "ab"
    count: Annotated[int, Field(ge=1, le=9)] = 1
    kinds: Annotated[list[str], Field(max_length=1)] = []


FRAMES = TypeAdapter(Frame)


def explained(text: str) -> str:
    """Return what a client is told of a frame that is not valid."""
    with pytest.raises(ValidationError) as caught:
        FRAMES.validate_json(text, strict=True)
    return str(explain(parse(text), caught.value.errors()[0], ("say",)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "the frame must be a JSON object, not a list"),
        ("null", "the frame must be a JSON object, not null"),
        ("{}", "type: field required"),
        ('{"type": "sing"}', "type: must be one of say"),
        ('{"type": "say", "name": ""}', "name: must not be empty"),
        ('{"type": "say", "name": "four"}', "name: must have at most 3 characters"),
        ('{"type": "say", "code": "a"}', "code: must have at least 2 characters"),
        ('{"type": "say", "count": 0}', "count: must be at least 1"),
        ('{"type": "say", "count": "1"}', "count: must be a whole number"),
        ('{"type": "say", "kinds": ["a", "b"]}', "kinds: must have at most 1 items"),
        ('{"type": "say", "kinds": {}}', "kinds: must be a list"),
    ],
)
def test_the_field_and_what_it_must_be_are_named(text: str, told: str) -> None:
    assert explained(text) == told


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": Infinity}'])
def test_what_is_not_json_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidMessage, match="the frame must be JSON"):
        parse(text)
