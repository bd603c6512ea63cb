"""The state machine of a session, Sans-I/O: an event in, the next status and the effects out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supervisor.protocol.status import EndReason, SessionStatus

S = SessionStatus

MAX_FAILURES = 3
"""Number of failures in a row after which a session starts no process until a person connects it."""

ATTENTION = "needs attention"
"""Beginning of the reason of a session that only a person starts again."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The process of the session is about to be started."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The process (or remote connection) is ready."""


@dataclass(frozen=True, slots=True)
class OpenFailed:
    """The process did not start; `why` is a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """A prompt is about to be written."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn ended; a turn that succeeded (`well`) resets the count of failures."""

    well: bool


@dataclass(frozen=True, slots=True)
class WentQuiet:
    """A minute passed without a turn."""


@dataclass(frozen=True, slots=True)
class CloseAsked:
    """The session is to be closed."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class ProcessExited:
    """The process has ended; `why` is empty where it was closed on request."""

    why: str = ""


Event = Opening | Opened | OpenFailed | TurnBegan | TurnEnded | WentQuiet | CloseAsked | ProcessExited


@dataclass(frozen=True, slots=True)
class Record:
    """Store the status; `reason` is a sentence where the session ended, else empty."""

    status: SessionStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CloseProcess:
    """Close the process and feed `ProcessExited` back."""


Effect = Record | CloseProcess


class Lifecycle:
    """The status of one session.

    Args:
        status: the stored status.
        reason: value of an `EndReason`, or the sentence of an error; empty while the session is live.

    Attributes:
        failures: number of failures since the last turn that succeeded.
    """

    def __init__(self, status: SessionStatus, reason: str = "") -> None:
        self.status = status
        self.reason = reason
        self.failures = 0

    @property
    def resumes_by_itself(self) -> bool:
        """Whether the next message starts the session again, or only a `claude_code_connect` does."""
        return self.status.resumes_by_itself(self.reason)

    def reopen(self) -> None:
        """Let the next message start the session, which has ended by its limit; T1 has stored that."""
        if self.status is S.DISCONNECTED and self.reason == EndReason.BUDGET:
            self.reason = EndReason.RAISED.value

    def on(self, event: Event) -> Sequence[Effect]:
        """Take an event; return the effects, in the order in which they are to be carried out."""
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
        # The session was closed while the process started, so the process is not needed.
        return () if self.status in (S.ACTIVE, S.IDLE) else (CloseProcess(),)

    def _close(self, reason: EndReason) -> Sequence[Effect]:
        if self.status in (S.CONNECTING, S.ACTIVE, S.IDLE):
            effects = self._move(S.DISCONNECTING)
            self.reason = reason.value
            return (*effects, CloseProcess())
        if self.status is S.DISCONNECTING:
            self.reason = reason.value if reason.on_purpose else self.reason
            return (CloseProcess(),)  # closing twice is harmless, and the first close may have been cancelled
        if not reason.on_purpose:
            return ()
        # There is no process to close: only the reason changes, and with it who may start the session again.
        return self._move(S.DISCONNECTED, reason.value)

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
