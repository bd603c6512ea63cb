"""The base class of all messages to socket clients."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.protocol.wire.omit import OMIT, Omit


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base class. A text over 512 KiB is cut: then `truncated` is true, and `characters` the length of the text."""

    request_id: str | Omit = OMIT
    truncated: bool | Omit = OMIT
    characters: int | Omit = OMIT
