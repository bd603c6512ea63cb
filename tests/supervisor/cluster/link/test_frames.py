"""What one node writes another reads, and what no node of this version writes is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest

from supervisor.cluster.link import frames
from supervisor.protocol import events
from supervisor.protocol.events import AnyEvent, Omit

EVERY = [
    frames.Want(topics=("costs", "session:ü"), only=True),
    frames.Unwant(topics=()),
    frames.Live(topics=("costs",), event={"type": "pong"}),
    frames.Act(number=1, name="sessions.interrupt", given={"a": [1, None]}),
    frames.Done(number=1, result='{"x": 1.5}'),
    frames.Refused(number=2, code="max_sessions", why="no", remedy="", retry_after=None),
    frames.Cancelled(number=3),
]


@pytest.mark.parametrize("frame", EVERY, ids=lambda frame: frame.kind)
def test_a_frame_is_read_as_it_was_written(frame: frames.Frame) -> None:
    assert frames.decode(frames.encode(frame)) == frame


def test_each_kind_of_frame_is_tried() -> None:
    assert {type(frame) for frame in EVERY} == set(get_args(frames.Frame))


@pytest.mark.parametrize("given", [b"", b"[]", b'{"kind": "other"}', b'{"kind": "want"}', b"[" * 100_000])
def test_what_is_no_frame_is_refused(given: bytes) -> None:
    with pytest.raises(frames.BadFrame):
        frames.decode(given)


def test_every_event_that_the_hub_publishes_has_a_type_of_its_own() -> None:
    types = [cls.__dataclass_fields__["type"].default for cls in get_args(AnyEvent)]
    assert len(set(types)) == len(types)


@pytest.mark.parametrize("cls", [cls for cls in get_args(AnyEvent) if cls.__module__.startswith(events.__name__[:20])])
def test_an_event_is_read_as_it_was_published(cls: type[AnyEvent]) -> None:
    event = example(cls)
    given = frames.decode(frames.encode(frames.Live(topics=(), event=frames.event_as_dict(event))))
    assert isinstance(given, frames.Live)
    assert frames.event_of(given.event) == event


def test_an_event_of_a_newer_node_is_refused_by_its_type() -> None:
    with pytest.raises(frames.BadFrame, match="does not know: lunar_eclipse"):
        frames.event_of({"type": "lunar_eclipse"})


def example(cls: type[AnyEvent]) -> AnyEvent:
    """Return an event whose fields have a value of their type each."""
    hints = get_type_hints(cls)
    given: dict[str, Any] = {
        item.name: value_of(hints[item.name])
        for item in fields(cls)
        if item.name != "type" and not isinstance(item.default, Omit)
    }
    return cls(**given)


def value_of(hint: object) -> Any:
    for kind, value in ((str, "ü"), (bool, True), (int, 3), (float, 1.5)):
        if hint is kind:
            return value
    choices = get_args(hint)
    if isinstance(choices and choices[0], str):
        return choices[0]
    if type(None) in choices:
        return None
    name = str(hint)
    return {"k": 1} if "Mapping" in name else []
