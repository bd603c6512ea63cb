"""The `ApprovalStore` port: questions to people about one exact tool call, and what they allowed for some minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn


class ApprovalState(StrEnum):
    """How a question stands."""

    OPEN = "open"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """Its turn ended before it was answered, or before the call was let through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApproval:
    """A question to be asked.

    Attributes:
        user_id: who asked for the turn.
        risk: value of `permissions.policy.Risk`.
        channel: by which the turn was asked for.
        call_sha256: over the whole call, its folder and its session.
        content_sha256: the same without the ids of the call: it has others when it is made again.
        summary: the call in one line, for whoever decides about it.
    """

    id: str
    turn_id: int
    session_id: SessionId
    user_id: UserId
    project: ProjectName
    tool_use_id: str
    tool: str
    risk: str
    channel: str
    call_sha256: bytes
    content_sha256: bytes
    summary: str
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(NewApproval):
    """A question as it stands.

    Attributes:
        consumed: the allowed call was let through; it is never again.
        epoch: of the start of the daemon that asked, or that keeps it.
        kept: its process is gone, by a restart or because it took long: a yes counts for the same call, made again.
    """

    code: str
    state: ApprovalState
    consumed: bool
    epoch: int
    kept: bool = False


class ApprovalStore(Protocol):
    """Questions about tool calls; each is decided, and let through, once."""

    async def ask(
        self,
        new: NewApproval,
        questions: Callable[[str], Sequence[OutboxDraft]],
        *,
        now_ms: int,
    ) -> Approval | None:
        """Record a question and what tells it, made from its code.

        Returns:
            The question; another id = the same call of the session was asked about before, and nothing is written.
            None = the turn does not run under this epoch: nothing is written.
        """

    async def allow(
        self, approval_id: str, by: str, *, way: str, minutes: int = 0, note: str = "", now_ms: int
    ) -> bool:
        """Allow an open question of this epoch before it expires.

        Args:
            way, note: by which channel and why, for the audit trail; an empty note is not kept.
            minutes: for how long calls of the same tool, risk, project and user are allowed besides.
        """

    async def deny(self, approval_id: str, by: str, *, way: str, note: str = "", now_ms: int) -> bool:
        """Deny a question that is open, or allowed and not let through yet; its grant ends.

        Of one that was let through there is nothing left to deny but a grant that still counts.

        Args:
            way, note: as in `allow`.
        """

    async def consume(self, approval_id: str, call_sha256: bytes, *, now_ms: int) -> bool:
        """Let an allowed call through, once, while its turn runs under this epoch; it must be the same call."""

    async def of_turn(self, turn_id: int, *, now_ms: int) -> Approval | None:
        """Return a question of a turn, of any epoch, whose call was not let through and still may be; None = none."""

    async def keep(self, *, now_ms: int) -> int:
        """Let questions that an earlier epoch asked count on where a restart cut their turns off; return how many."""

    async def rest(self, approval_id: str, *, now_ms: int) -> bool:
        """Let a question count on without the process that asked it; False = it is decided, or has expired."""

    async def go_on(self, approval_id: str) -> int:
        """Note that the turn of a question is given a prompt anew under another id; return how often it was by now."""

    async def redeem(self, turn: Turn, content_sha256: bytes, *, since_ms: int, now_ms: int) -> bool:
        """Let the call of a kept question through, once, that is made again and was allowed after a time.

        Args:
            turn: that makes it again: the one that asked, or one of the same person after a restart cut that off.
        """

    async def outdate(self, session_id: SessionId, *, now_ms: int) -> None:
        """Withdraw what was allowed of a session's kept questions, and was not let through."""

    async def close(self, approval_id: str, state: ApprovalState, *, now_ms: int) -> bool:
        """Let a question expire, or withdraw it, where nothing was let through."""

    async def find(self, name: str) -> Approval | None:
        """Return the question that has a code or an id."""

    async def open_now(self, *, now_ms: int) -> list[Approval]:
        """Return the open questions of this epoch, oldest first."""

    async def granted(
        self, user_id: UserId, project: ProjectName, tool: str, risk: str, *, channel: str | None = None, now_ms: int
    ) -> bool:
        """Return whether such calls are allowed for some more time.

        Args:
            channel: only by a yes to a question of a turn that came by it; None = whichever it came by.
        """
