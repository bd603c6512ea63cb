"""The states of sessions, turns and replies, and the roles, permissions and targets that the wires name."""

from __future__ import annotations

from enum import StrEnum


class SessionStatus(StrEnum):
    """The state of a session (docs/protocol.md)."""

    CONNECTING = "connecting"
    """The record exists; the process or remote connection is starting."""
    ACTIVE = "active"
    """A process exists, and a turn is running or ended less than a minute ago."""
    IDLE = "idle"
    """A process exists, and no turn has run for a minute."""
    DISCONNECTING = "disconnecting"
    """The process is being closed."""
    DISCONNECTED = "disconnected"
    """There is no process. `resumes_by_itself` says whether the next message starts one."""
    ERROR = "error"
    """The session failed repeatedly and is given up; the record has the reason."""

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


class SessionKind(StrEnum):
    """What answers in a session."""

    CLAUDE_CODE = "claude_code"
    """A process of Claude Code, in a project."""
    CHAT = "chat"
    """The assistant. It has no project and no process, and does not count for `max_sessions`."""


class EndReason(StrEnum):
    """Why a session has no process. The value is the text on the wire."""

    USER = "User requested"
    IDLE = "Idle timeout"
    SHUTDOWN = "Server shutdown"
    EVICTED = "Made room for another session"
    CRASH = "Process ended unexpectedly"
    BUDGET = "Budget exceeded"
    RAISED = "Budget raised"
    FAILED = "Failed repeatedly"
    CONNECTION = "Connection failed"

    @property
    def on_purpose(self) -> bool:
        """Whether only `claude_code_connect` starts the session again; otherwise the next message does."""
        return self in (EndReason.USER, EndReason.BUDGET, EndReason.FAILED)


ENDED_ON_PURPOSE = frozenset(reason.value for reason in EndReason if reason.on_purpose)
"""Reasons after which only `claude_code_connect` starts a session again."""


class TurnState(StrEnum):
    """The state of the turn of an accepted prompt."""

    PENDING = "pending"
    """Accepted and committed; not started."""
    RUNNING = "running"
    """Started. This state is committed before the prompt is written to the conversation."""
    WAITING = "waiting"
    """Part of another turn: gathered into its prompt, or steered into it while it runs."""
    COMPLETED = "completed"
    """Ended with an answer."""
    FAILED = "failed"
    """Ended without an answer."""
    INTERRUPTED = "interrupted"
    """Ended by a crash or a shutdown. It runs again only if a person says so."""
    CANCELLED = "cancelled"
    """Stopped or dropped by a person, or expired."""

    @property
    def final(self) -> bool:
        """Whether this state is the last one of a turn."""
        return self not in (TurnState.PENDING, TurnState.RUNNING, TurnState.WAITING)


class OutboxState(StrEnum):
    """The state of a reply in the outbox."""

    PENDING = "pending"
    """Waits for its next attempt."""
    SENDING = "sending"
    """An attempt has started. This is committed before the network call, so after a crash the outcome is unknown."""
    SENT = "sent"
    """The provider has accepted the reply."""
    DELIVERED = "delivered"
    """The provider has delivered the reply."""
    UNDELIVERED = "undelivered"
    """The provider accepted the reply and could not deliver it."""
    DEAD = "dead"
    """Given up; `error` has the reason."""


class Role(StrEnum):
    """The role of a user."""

    ADMIN = "ADMIN"
    """Everything."""
    COORDINATOR = "COORDINATOR"
    """Chat and Claude Code."""
    OPERATOR = "OPERATOR"
    """Status, cost and sessions; no prompts."""

    @property
    def may_prompt(self) -> bool:
        """Whether a user with this role may send prompts."""
        return self is not Role.OPERATOR

    @property
    def oversees(self) -> bool:
        """Whether a user with this role reads the records and costs of all sessions, and gets alerts about spending."""
        return self in (Role.ADMIN, Role.OPERATOR)


class Permissions(StrEnum):
    """What Claude Code may do in a project without asking a person."""

    ASK = "ask"
    """Read files."""
    EDIT = "edit"
    """Read and change files of the project."""
    FULL = "full"
    """Everything that the policy does not forbid."""


PROTECTED = (
    ".envrc",
    ".vscode",
    ".idea",
    ".husky",
    ".devcontainer",
    ".github/workflows",
    ".gitlab-ci.yml",
    ".pre-commit-config.yaml",
    ".gitconfig",
    ".gitmodules",
    ".config/git",
    ".ssh",
    ".npmrc",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".kshrc",
    ".config/fish",
)
"""Files and folders of a project, besides `.git`, `.claude` and `.mcp.json`, that programs of a person run or obey."""


class Target(StrEnum):
    """Who answers a message."""

    CLAUDE_CODE = "claude_code"
    ASSISTANT = "assistant"
    REFUSED = "refused"
    COMMAND = "command"
    """The message is a command word; the daemon answers it."""


class Direction(StrEnum):
    """The direction of a stored message of a Claude Code session."""

    TO_CLAUDE = "to_claude"
    FROM_CLAUDE = "from_claude"
