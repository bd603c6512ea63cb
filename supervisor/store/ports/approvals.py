"""The `ApprovalStore` port: questions to people about one exact tool call, and grants for some minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.values.record import record
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn


class ApprovalState(StrEnum):
    """The state of a question."""

    OPEN = "open"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """Its turn ended before it was answered, or before the call ran."""


class Refused(StrEnum):
    """Why an answer to a question was refused, for the audit trail."""

    SECOND_FACTOR = "second_factor"
    """A yes by this way needs a second factor, and came without one."""
    PASSPHRASE = "passphrase"  # noqa: S105  # why it was refused, no secret
    """The passphrase did not count: it was wrong, there is none, or it is locked."""
    PASSKEY = "passkey"
    """The passkey was another person's."""
    NOT_ASKED = "not_asked"
    """Whoever answered may not answer this question."""


@record
class NewApproval:
    """A question to be asked.

    Attributes:
        user_id: the user whose message started the turn.
        risk: a value of `permissions.policy.Risk`.
        channel, way: of that message, as in `Acceptance`.
        call_sha256: over the whole call, its folder and its session.
        content_sha256: the same without the ids of the call, which change when the call is made again.
        summary: the call in one line, for lists.
        text: the whole call, for the person who decides.
        diff: what it changes in files; empty = not known, or nothing.
        input: of the call, as the person sees it; None = an older version asked.
        thread: of the turn; for one of the admin chat, the id of the chat's session.
        expires_ms: until when the question can be answered.
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
    text: str = ""
    diff: str = ""
    input: Mapping[str, Any] | None = None
    thread: str = ""
    way: str = ""
    expires_ms: int


@record
class Approval(NewApproval):
    """A question as it is stored.

    Attributes:
        code: by which a person names it in a text message.
        consumed: the allowed call has run; it never runs again.
        epoch: the start of the daemon that asked, or that keeps the question.
        kept: the process that asked is gone; a yes is valid for the same call, if its turn makes it again, or the turn
            that continues its work.
        decided_by: who decided it; None = nobody has.
        note: why it was denied; empty = nobody said it.
    """

    code: str
    state: ApprovalState
    consumed: bool
    epoch: int
    kept: bool = False
    decided_by: str | None = None
    note: str = ""


class ApprovalStore(Protocol):
    """Questions about tool calls. Each is decided once, and its call runs at most once."""

    async def ask(
        self,
        new: NewApproval,
        questions: Callable[[str], Sequence[OutboxDraft]],
        *,
        now_ms: int,
    ) -> Approval | None:
        """Record a question, and write the replies that ask it, which `questions` makes from its code.

        Returns:
            The question. If its id differs from `new.id`, the same call was asked about before and nothing is written.
            None = the turn does not run under this epoch, and nothing is written.
        """

    async def allow(
        self, approval_id: str, by: str, *, way: str, source: str = "", minutes: int = 0, note: str = "", now_ms: int
    ) -> bool:
        """open -> allowed, if its turn waits for it, on any node, or it was kept; False = it is not open.

        Args:
            by: the user who decided.
            way, source, note: the channel, the address that the answer came from, and the reason, for the audit
                trail; what is empty is not kept.
            minutes: how long calls of the same tool, risk, project and user are allowed too; 0 = not at all.
        """

    async def deny(self, approval_id: str, by: str, *, way: str, source: str = "", note: str = "", now_ms: int) -> bool:
        """open, or allowed and not consumed -> denied, and end its grant; False = there was nothing to deny.

        If the call has run, only a grant that has not expired is ended.

        Args:
            by, way, source, note: as in `allow`.
        """

    async def refused(
        self, approval_id: str, by: str, *, why: Refused, allow: bool, way: str, source: str = "", now_ms: int
    ) -> None:
        """Leave an entry in the audit trail about an answer that was refused; the question stays as it is.

        Args:
            by: who tried to answer.
            allow: whether it was a yes.
            way, source: as in `allow`.
        """

    async def consume(self, approval_id: str, call_sha256: bytes, *, now_ms: int) -> bool:
        """Consume the permission for a call, once, while its turn runs under this epoch; False = it must not run."""

    async def of_turn(self, turn_id: int, *, now_ms: int) -> list[Approval]:
        """Return the questions of a turn whose calls have not run and still may run, of any epoch, oldest first."""

    async def not_run(self, turn_id: int) -> list[str]:
        """Return the `tool_use_id` of each call of a turn that was asked about and has not run."""

    async def keep(self, *, now_ms: int) -> int:
        """Keep the open questions of turns that a restart interrupted; return how many there are."""

    async def suspend(self, approval_id: str, *, now_ms: int) -> bool:
        """Keep a question without the process that asked it; False = it is decided, or has expired."""

    async def go_on(self, approval_id: str) -> int:
        """Count that the turn of a question gets its prompt again under another id; return the new count."""

    async def redeem(self, turn: Turn, content_sha256: bytes, *, since_ms: int, now_ms: int) -> bool:
        """Consume the permission of a kept question for the same call, made again; False = there is none.

        Args:
            turn: the turn that makes the call again: the one that asked, or the one that continues its work after a
                restart interrupted it, by the same channel.
            since_ms: only a yes that was given after this time counts.
        """

    async def outdate(self, session_id: SessionId, *, now_ms: int) -> None:
        """Withdraw the kept questions of a session that were allowed and not consumed."""

    async def withdraw(self, turn_id: int, *, allowed: bool, now_ms: int) -> list[Approval]:
        """Withdraw the questions of an interrupted turn that nobody has answered; return them.

        Args:
            allowed: also those that were allowed and whose call has not run.
        """

    async def close(self, approval_id: str, state: ApprovalState, *, now_ms: int) -> bool:
        """open, or allowed and not consumed -> expired or withdrawn; False = it is in another state."""

    async def find(self, name: str) -> Approval | None:
        """Return the question with a code or an id; None = there is none."""

    async def open_now(self, *, now_ms: int) -> list[Approval]:
        """Return the open questions, of all nodes, oldest first."""

    async def granted(
        self, user_id: UserId, project: ProjectName, tool: str, risk: str, *, channel: str | None = None, now_ms: int
    ) -> bool:
        """Return whether a grant covers such calls now.

        Args:
            channel: only grants from questions of turns that came by this channel; None = by any.
        """
