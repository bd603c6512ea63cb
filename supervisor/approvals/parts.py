"""The parts in which people read a long tool call by text and mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from supervisor.protocol.messages import UserId
from supervisor.protocol.values.record import record

FIRST = {"sms": 240}
"""How many characters of a call its question shows, by channel."""

NEXT = {"sms": 1_000}
"""How many characters of a call one MORE shows, by channel."""

OTHERWISE = 20_000
"""The same for every other channel."""

META = "call"
"""Key of the meta of a reply that shows a part of a call: who reads it, and where the part begins and ends."""


class ShownCall(Protocol):
    """A call as people read it: an `AskedCall`, or the record of its question."""

    @property
    def text(self) -> str:
        """The whole call, its headline first."""

    @property
    def diff(self) -> str:
        """What it changes in files; empty = not known, or nothing."""


@record
class Part:
    """A part of a call.

    Attributes:
        start, end: its place among the characters of the call.
        total: the length of the call.
    """

    text: str
    start: int
    end: int
    total: int

    @property
    def is_last(self) -> bool:
        """Whether nothing follows."""
        return self.end >= self.total

    def at_start(self) -> Part:
        """Return the empty part from which the call begins again."""
        return replace(self, text="", start=0, end=0)

    def meta(self, approval_id: str, user_id: UserId, channel: str) -> Mapping[str, Any]:
        """Return what the meta of the reply with this part says, so that MORE finds it."""
        return {META: {"reader": reader(approval_id, user_id, channel), "start": self.start, "end": self.end}}


def reader(approval_id: str, user_id: UserId, channel: str) -> str:
    """Return the name under which it is known how far a person has read a call by a channel."""
    return f"{approval_id}/{user_id}/{channel}"


def readable(call: ShownCall) -> str:
    """Return a call as people read it: of a file that is changed they read the changes."""
    if not call.diff:
        return call.text
    headline, _, _ = call.text.partition("\n")
    return f"{headline}\n{call.diff}"


def first(call: ShownCall, channel: str) -> Part:
    """Return the part of a call that its question shows."""
    return _part(readable(call), 0, FIRST.get(channel, OTHERWISE))


def following(call: ShownCall, channel: str, start: int) -> Part:
    """Return the part of a call that begins at a character."""
    return _part(readable(call), start, NEXT.get(channel, OTHERWISE))


def _part(text: str, start: int, most: int) -> Part:
    end = _end(text, start, most)
    return Part(text=text[start:end], start=start, end=end, total=len(text))


def _end(text: str, start: int, most: int) -> int:
    """Return where a part ends: before a line or a word, if one begins in its last quarter."""
    end = start + most
    if end >= len(text):
        return len(text)
    for blank in "\n ":
        found = text.rfind(blank, end - most // 4, end + 1)
        if found > start:
            return found
    return end
