"""Events that a terminal handles, one at a time and in order: those of the person and those of the connection."""

from __future__ import annotations

from dataclasses import dataclass

from cli.daemon.client import Frame
from supervisor.protocol.errors import XswarmError


@dataclass(frozen=True, slots=True)
class Typed:
    """A text that was entered: a line, or several that were typed or pasted as one."""

    text: str


@dataclass(frozen=True, slots=True)
class Truncated:
    """A line that the terminal has cut, because it was longer than its line mode passes on."""


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Ctrl-D, or the end of a file of prompts."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A frame that the daemon sent without being asked."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Answered:
    """The outcome of a prompt: the frame of its answer, or the error."""

    external_id: str
    outcome: Frame | XswarmError


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone."""

    why: str


PersonEvent = Typed | Truncated | InputEnded | Interrupted
ConnectionEvent = Pushed | Answered | Lost
TerminalEvent = PersonEvent | ConnectionEvent
