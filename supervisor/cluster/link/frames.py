"""What two nodes say to each other, as JSON: which topics are wanted, live events, acts and their results."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from supervisor.protocol.events import OMIT, AnyEvent
from supervisor.protocol.values.record import record


@record
class Want:
    """From now on the sender wants the events of these topics; with `only`, of no others."""

    topics: tuple[str, ...]
    only: bool = False
    kind: Literal["want"] = "want"


@record
class Unwant:
    """The sender wants the events of these topics no longer."""

    topics: tuple[str, ...]
    kind: Literal["unwant"] = "unwant"


@record
class Live:
    """A live event of the sender, with those of its topics that are wanted."""

    topics: tuple[str, ...]
    event: dict[str, Any]
    kind: Literal["live"] = "live"


@record
class Act:
    """Do something on a process of yours, and say what came of it.

    Attributes:
        number: counts the acts of the sender on this connection.
        name: of the act, see `Acts`.
        given: its arguments.
    """

    number: int
    name: str
    given: dict[str, Any]
    kind: Literal["act"] = "act"


@record
class Done:
    """What came of an act, as JSON."""

    number: int
    result: str
    kind: Literal["done"] = "done"


@record
class Refused:
    """An act ended with an error; see `XswarmError`."""

    number: int
    code: str
    why: str
    remedy: str
    retry_after: float | None
    kind: Literal["refused"] = "refused"


@record
class Cancelled:
    """Nobody waits for an act of the sender any longer; it may go on or end."""

    number: int
    kind: Literal["cancelled"] = "cancelled"


Frame = Want | Unwant | Live | Act | Done | Refused | Cancelled

_LATER = ConfigDict(defer_build=True)
"""Built at the first frame: most daemons have no other node, and building takes 40 ms."""

_FRAMES: TypeAdapter[Frame] = TypeAdapter(Annotated[Frame, Field(discriminator="kind")], config=_LATER)
_EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")], config=_LATER)


class BadFrame(Exception):
    """A frame or an event that this version does not know."""


def encode(frame: Frame) -> bytes:
    """Return a frame as JSON."""
    try:
        return to_json(frame, inf_nan_mode="null")
    except PydanticSerializationError:  # a text contains a lone surrogate, which UTF-8 cannot encode
        return json.dumps(asdict(frame), default=dict, ensure_ascii=False).encode(errors="replace")


def decode(given: bytes) -> Frame:
    """Return the frame in a message.

    Raises:
        BadFrame: it is none.
    """
    try:
        return _FRAMES.validate_json(given)
    except ValidationError as error:
        raise BadFrame(str(error.errors(include_url=False, include_input=False)[0]["msg"])) from None


def event_as_dict(event: AnyEvent) -> dict[str, Any]:
    """Return an event by the names of its fields, without those that are not sent."""
    return {item.name: value for item in fields(event) if (value := getattr(event, item.name)) is not OMIT}


def event_of(given: dict[str, Any]) -> AnyEvent:
    """Return the event that another node has sent.

    Raises:
        BadFrame: a newer node has one that this one does not know.
    """
    try:
        return _EVENTS.validate_python(given)
    except ValidationError:
        raise BadFrame(f"an event that this version does not know: {given.get('type')}") from None
