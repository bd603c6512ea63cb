"""The states that rows and sessions pass through, and the moves that are allowed between them."""

from __future__ import annotations

from enum import StrEnum


class SessionStatus(StrEnum):
    """Where a session stands, as protocol.md section 1 names it."""

    CONNECTING = "connecting"
    """The record exists; the process or remote connection is starting."""
    ACTIVE = "active"
    """A process is present and a turn is running or ended less than a minute ago."""
    IDLE = "idle"
    """A process is present and no turn has run for a minute."""
    DISCONNECTING = "disconnecting"
    """Draining: the process is being closed."""
    DISCONNECTED = "disconnected"
    """No process. Whether it resumes by itself depends on `EndReason`."""
    ERROR = "error"
    """Gave up after repeated failures; the reason is in the record."""

    @property
    def live(self) -> bool:
        """Whether the session counts against `max_sessions`."""
        return self not in (SessionStatus.DISCONNECTED, SessionStatus.ERROR)

    def resumes_by_itself(self, end_reason: str) -> bool:
        """Return whether the next message starts the session again, or only a `claude_code_connect` does.

        Args:
            end_reason: value of an `EndReason`, or a sentence; empty while the session is live.
        """
        if self in (SessionStatus.DISCONNECTING, SessionStatus.DISCONNECTED):
            return end_reason not in ENDED_ON_PURPOSE
        return self is not SessionStatus.ERROR


class EndReason(StrEnum):
    """Why a session has no process; the value is the sentence that goes over the wire."""

    USER = "User requested"
    IDLE = "Idle timeout"
    SHUTDOWN = "Server shutdown"
    EVICTED = "Made room for another session"
    CRASH = "Process ended unexpectedly"
    BUDGET = "Budget exceeded"
    FAILED = "Failed repeatedly"
    CONNECTION = "Connection failed"

    @property
    def on_purpose(self) -> bool:
        """Whether only `claude_code_connect` brings the session back (otherwise the next message does)."""
        return self in (EndReason.USER, EndReason.BUDGET, EndReason.FAILED)


ENDED_ON_PURPOSE = frozenset(reason.value for reason in EndReason if reason.on_purpose)
"""Reasons after which only `claude_code_connect` starts a session again."""


class TurnState(StrEnum):
    """Where an accepted prompt stands."""

    PENDING = "pending"
    """Accepted and durable; not started."""
    RUNNING = "running"
    """Committed as started before the prompt was written to what answers it."""
    WAITING = "waiting"
    """Held for a person's decision."""
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Cut off by a crash or a shutdown; never run again without a person's word."""
    CANCELLED = "cancelled"
    """Stopped or dropped because a person said so, or expired."""

    @property
    def final(self) -> bool:
        """Whether nothing can change this turn any more."""
        return self not in (TurnState.PENDING, TurnState.RUNNING, TurnState.WAITING)


class OutboxState(StrEnum):
    """Where a reply that leaves by a channel stands."""

    PENDING = "pending"
    SENDING = "sending"
    """Committed before the network call: after a crash its outcome is unknown."""
    SENT = "sent"
    """The provider has taken it."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    """The provider took it and could not deliver it."""
    DEAD = "dead"
    """Given up for good; `error` says why."""


class Role(StrEnum):
    """What a user may do."""

    ADMIN = "ADMIN"
    COORDINATOR = "COORDINATOR"
    """Chat and Claude Code."""
    OPERATOR = "OPERATOR"
    """Status, cost and sessions; no prompts."""

    @property
    def may_prompt(self) -> bool:
        """Whether a user of this role may start work."""
        return self is not Role.OPERATOR

    @property
    def oversees(self) -> bool:
        """Whether a user of this role sees what everybody spends, and is told of it."""
        return self in (Role.ADMIN, Role.OPERATOR)


class Permissions(StrEnum):
    """What Claude Code may do in a project without asking."""

    ASK = "ask"
    EDIT = "edit"
    FULL = "full"


class Target(StrEnum):
    """What a message is for."""

    CLAUDE_CODE = "claude_code"
    ASSISTANT = "assistant"
    REFUSED = "refused"
    COMMAND = "command"
    """A command word: answered by the daemon itself."""


class Direction(StrEnum):
    """Which way a stored Claude Code message went."""

    TO_CLAUDE = "to_claude"
    FROM_CLAUDE = "from_claude"
