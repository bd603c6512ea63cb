"""The port of turns: the three transactions that change a message, and reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.store.records.acceptance import Acceptance, Accepted
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import Outcome, Settled
from supervisor.store.records.result import Result, StoredMessage
from supervisor.store.records.session import LastExchange
from supervisor.store.records.turn import Turn

Notices = Callable[[Turn], Sequence[OutboxDraft]]
"""The replies that tell the person of a turn about it."""


class TurnStore(Protocol):
    """The three transactions that change a message's state, and what is read about turns."""

    async def accept(self, acceptance: Acceptance, *, orphaned: Callable[[Accepted], None] | None = None) -> Accepted:
        """T1: inbox row, turn, Claude Code message, session where new, refusals, audit.

        Args:
            orphaned: gets what was accepted where the caller was cancelled while it was being written.
        """

    async def known(self, channel: str, account: str, dedup_key: str, digest: str) -> Accepted | None:
        """Return a message as the repetition of the one that was accepted under its key before, or None."""

    async def start_next(self, lane: str, identity: ProcessIdentity | None, *, now_ms: int) -> Turn | None:
        """T2: take the oldest pending turn of a lane and mark it running under this epoch.

        None: nothing is pending, one runs already, or its project has another exclusive turn running. What may be
        gathered with it, and waits right behind it, becomes part of it.
        """

    async def finish(self, turn_id: int, outcome: Outcome) -> Settled | None:
        """T3: outcome, answer, charges, rollups, outbox, audit; None = not running under this epoch.

        It is written also where the caller is cancelled meanwhile.
        """

    async def join(
        self,
        message_id: MessageId,
        host_id: int | None,
        *,
        joined: Sequence[OutboxDraft],
        queued: Callable[[int], Sequence[OutboxDraft]],
        now_ms: int,
    ) -> Turn | None:
        """Make a message's turn part of one that runs (None = of none) where it is next in line; None = it is not.

        Its sender gets `joined`, or where it goes on waiting `queued`, by how many turns are ahead of it.
        """

    async def requeue(self, turn_id: int, *, rename: bool = False, now_ms: int) -> bool:
        """Put a turn that certainly changed nothing back to pending; False = not running under this epoch.

        Args:
            rename: its prompt is given under another id, because an answer to it had begun.
        """

    async def cancel_pending(
        self, lane: str, why: str, *, of: UserId | None = None, notices: Notices | None = None, now_ms: int
    ) -> list[Turn]:
        """Cancel what waits in a lane, of one user or of all; `notices` gives what the person of each is told."""

    async def cancel(self, turn_id: int, why: str, replies: Sequence[OutboxDraft], *, now_ms: int) -> bool:
        """Cancel one waiting turn with notices for its person; False = not waiting any more."""

    async def waiting_lanes(self) -> list[tuple[str, ProjectName]]:
        """Return the lanes with pending turns, oldest first."""

    async def waiting(self, *, lane: str | None, user_id: UserId | None, limit: int) -> list[Turn]:
        """Return what waits, oldest first: of a lane, of a user, or (None) of all."""

    async def is_waiting(self, lane: str) -> bool:
        """Return whether a lane has a pending turn."""

    async def pending_count(self) -> int:
        """Return how many turns wait."""

    async def unfinished(self) -> list[Turn]:
        """Return the turns that an earlier epoch left running, oldest first."""

    async def adopt(self, turn_id: int) -> bool:
        """Take an earlier epoch's running turn over into this one, so that it can be finished or requeued."""

    async def result(self, message_id: MessageId) -> Result | None:
        """Return what became of a message."""

    async def history(self, session_id: SessionId, *, limit: int, before: MessageId | None) -> list[StoredMessage]:
        """Return the newest `limit` messages of a session before another, oldest first."""

    async def exchanges(self, lane: str, *, limit: int) -> list[tuple[str, str]]:
        """Return the newest completed (prompt, answer) pairs of a lane, oldest first."""

    async def was_cut_off(self, session_id: SessionId) -> bool:
        """Return whether the last turn of a session that has ended was interrupted."""

    async def interruptions(self, session_id: SessionId, *, since_ms: int) -> int:
        """Return how many turns of a session were interrupted after a time."""

    async def record_event(self, turn_id: int, kind: str, payload: dict[str, Any], *, now_ms: int) -> None:
        """Append an event (a tool that started or ended) to a turn that runs under this epoch."""

    async def events(self, turn_id: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of a turn, in order."""

    async def last_conversation(self, user_id: UserId, channel: str) -> LastExchange | None:
        """Return where the user's last answer from Claude Code on a channel came from; O(1)."""

    async def last_project(self, user_id: UserId) -> ProjectName | None:
        """Return the project that the user last used with Claude Code, on any channel; O(1)."""
