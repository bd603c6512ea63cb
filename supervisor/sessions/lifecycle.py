"""A session's state machine, Sans-I/O: an event in, the next status and the effects out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supervisor.protocol.status import EndReason, SessionStatus

S = SessionStatus

MAX_FAILURES = 3
"""Failures in a row after which a session gives up and waits for a person."""


ATTENTION = "needs attention"
"""How the reason of a session begins that starts no more by itself."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Something wants the session to have a process."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The process (or remote connection) answers."""


@dataclass(frozen=True, slots=True)
class OpenFailed:
    """It did not start; `why` is a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """A prompt is about to be written."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn ended; `well` resets the count of failures."""

    well: bool


@dataclass(frozen=True, slots=True)
class WentQuiet:
    """A minute passed without a turn."""


@dataclass(frozen=True, slots=True)
class CloseAsked:
    """Somebody or something wants it closed."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class ProcessExited:
    """No process is left; `why` is empty where it was closed on request."""

    why: str = ""


Event = Opening | Opened | OpenFailed | TurnBegan | TurnEnded | WentQuiet | CloseAsked | ProcessExited


@dataclass(frozen=True, slots=True)
class Record:
    """Write the status; `reason` is a sentence where the session ended."""

    status: SessionStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CloseProcess:
    """Close the conversation and feed `ProcessExited` back."""


Effect = Record | CloseProcess


class Lifecycle:
    """The status of one session.

    Args:
        status: as stored.
        reason: value of an `EndReason`, or the sentence of an error.

    Attributes:
        failures: in a row, since something last went well.
    """

    def __init__(self, status: SessionStatus, reason: str = "") -> None:
        self.status = status
        self.reason = reason
        self.failures = 0

    @property
    def resumes_by_itself(self) -> bool:
        """Whether the next message starts the session again, or only a `claude_code_connect` does."""
        return self.status.resumes_by_itself(self.reason)

    def on(self, event: Event) -> Sequence[Effect]:
        """Take an event; return what is to be done, in order."""
        match event:
            case Opening():
                return self._move(S.CONNECTING) if self.status is not S.CONNECTING else ()
            case Opened():
                return self._opened()
            case OpenFailed(why):
                return self._gone(EndReason.CONNECTION, why) if self.status not in (S.ACTIVE, S.IDLE) else ()
            case TurnBegan():
                return self._move(S.ACTIVE) if self.status is S.IDLE else ()
            case TurnEnded(well):
                self.failures = 0 if well else self.failures
                return ()
            case WentQuiet():
                return self._move(S.IDLE) if self.status is S.ACTIVE else ()
            case CloseAsked(reason):
                return self._close(reason)
            case ProcessExited(why):
                return self._gone(EndReason.CRASH, why)

    def _opened(self) -> Sequence[Effect]:
        if self.status is S.CONNECTING:
            return self._move(S.ACTIVE)
        # Closed while it started: what answers now is wanted by nobody.
        return () if self.status in (S.ACTIVE, S.IDLE) else (CloseProcess(),)

    def _close(self, reason: EndReason) -> Sequence[Effect]:
        if self.status in (S.CONNECTING, S.ACTIVE, S.IDLE):
            effects = self._move(S.DISCONNECTING)
            self.reason = reason.value
            return (*effects, CloseProcess())
        if self.status is S.DISCONNECTING:
            self.reason = reason.value if reason.on_purpose else self.reason
            return (CloseProcess(),)  # closing twice is harmless, and the first may have been cut short
        if not reason.on_purpose:
            return ()
        return self._move(S.DISCONNECTED, reason.value)  # no process: only what it takes to come back changes

    def _gone(self, reason: EndReason, why: str) -> Sequence[Effect]:
        if self.status is S.DISCONNECTING:
            return self._move(S.DISCONNECTED, self.reason)
        if not self.status.live:
            return ()
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            return self._move(S.ERROR, f"{ATTENTION}: {EndReason.FAILED.value.lower()}: {why or reason.value}")
        return self._move(S.DISCONNECTED, reason.value)

    def _move(self, status: SessionStatus, reason: str = "") -> Sequence[Effect]:
        self.status = status
        self.reason = reason
        return (Record(status, reason),)
