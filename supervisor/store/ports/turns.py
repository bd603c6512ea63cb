"""The ports `TurnStore` (the three transactions that change a message's state, and reads) and `ToolCallStore`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from supervisor.protocol.conversation import ProcessIdentity, ToolFinished, ToolStarted
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.store.records.acceptance import Acceptance, Accepted, Attempt
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import Outcome, Settled
from supervisor.store.records.result import Result, StoredExchange, StoredMessage
from supervisor.store.records.session import LastExchange
from supervisor.store.records.tool_call import StoredCall
from supervisor.store.records.turn import CurrentTurn, Turn

Notices = Callable[[Turn], Sequence[OutboxDraft]]
"""Makes the replies to the person of a cancelled turn."""


class TurnStore(Protocol):
    """The three transactions that change a message's state, and what is read about turns."""

    async def accept(self, acceptance: Acceptance, *, orphaned: Callable[[Accepted], None] | None = None) -> Accepted:
        """T1: write the message with its turn, prompt, new session, replies and audit entry.

        A message whose deduplication key is known writes nothing, nor does one over its limit, or one that is to begin
        a conversation that another message began meanwhile.

        Args:
            orphaned: called with the result if the caller was cancelled during the write, which is done regardless.

        Raises:
            SessionNotFound: the session that the message is for has no record.
        """

    async def attempt(self, attempt_: Attempt) -> Accepted | None:
        """Count a message that acts before T1, and claim its deduplication key; None = it may act.

        Returns:
            What is in its way: a duplicate, a limit, or another node that acts on it.
        """

    async def give_up(self, attempt_: Attempt) -> None:
        """Give up the claim of a message that could not act; its repetition may."""

    async def known(self, channel: str, account: str, dedup_key: str, digest: str) -> Accepted | None:
        """Return the message that holds a deduplication key, as a duplicate; None = no message does."""

    async def start_next(
        self, lane: str, identity: ProcessIdentity | None, *, node: str = "", now_ms: int
    ) -> Turn | None:
        """T2: take the oldest pending turn of a lane and mark it running under this epoch.

        Turns right behind it that may be gathered become part of it.

        Args:
            identity: the process that gets the prompt; None = there is none.
            node: is noted as the one that gave the session its last prompt; empty = it is noted already.

        Returns:
            The turn; None = no turn is pending, one is running, or its project has another exclusive turn running.
        """

    async def finish(self, turn_id: int, outcome: Outcome) -> Settled | None:
        """T3: write outcome, answer, charges, totals, replies and audit entry; None = not running under this epoch.

        The write is done even if the caller is cancelled meanwhile.
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
        """Make the turn of a message part of a running turn, if it is the next in its lane.

        Args:
            host_id: the running turn; None = there is none, so the message stays queued.
            joined: the replies to its sender, if it becomes part.
            queued: makes the replies if it stays queued, from the number of turns ahead of it.

        Returns:
            The turn that became part; None = it stays queued, or is not pending.
        """

    async def requeue(self, turn_id: int, *, rename: bool = False, now_ms: int) -> bool:
        """Return a turn that certainly changed nothing to pending; False = not running under this epoch.

        Args:
            rename: send its prompt under another id the next time, because an answer had begun.
        """

    async def cancel_pending(
        self, lane: str, why: str, *, of: UserId | None = None, notices: Notices | None = None, now_ms: int
    ) -> list[Turn]:
        """Cancel the pending turns of a lane; return them.

        Args:
            why: a sentence, kept with each turn.
            of: only those of this user; None = of all users.
            notices: makes the replies to the person of each turn; None = nobody is told.
        """

    async def cancel(self, turn_id: int, why: str, replies: Sequence[OutboxDraft], *, now_ms: int) -> bool:
        """Cancel one pending turn and write replies to its person; False = it is not pending any more."""

    async def waiting_lanes(self) -> list[tuple[str, ProjectName]]:
        """Return the lanes with pending turns, oldest first."""

    async def waiting(self, *, lane: str | None, user_id: UserId | None, limit: int) -> list[Turn]:
        """Return pending turns, oldest first: of a lane and a user; None = of all."""

    async def positions(self, turns: Sequence[Turn]) -> list[int]:
        """Return how many turns are running or pending ahead of each of some pending turns, as their senders were told.

        The exclusive turns of the same project in other lanes count too.
        """

    async def is_waiting(self, lane: str) -> bool:
        """Return whether a lane has a pending turn."""

    async def is_running(self, lane: str) -> bool:
        """Return whether a turn of a lane runs, on whichever node."""

    async def pending_count(self) -> int:
        """Return how many turns are pending."""

    async def unfinished(self) -> list[Turn]:
        """Return the turns that dead epochs left running, oldest first."""

    async def adopt(self, turn_id: int) -> bool:
        """Move a running turn of a dead epoch to this one, to finish or requeue it. False = no such turn."""

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn; None = there is none with this number."""

    async def result(self, message_id: MessageId) -> Result | None:
        """Return the result of a message; None = there is no such message."""

    async def history(self, session_id: SessionId, *, limit: int, before: MessageId | None) -> list[StoredMessage]:
        """Return the newest `limit` messages of a session before another one (None = of all), oldest first."""

    async def exchanges(self, lane: str, *, limit: int) -> list[StoredExchange]:
        """Return the newest completed turns of a lane, oldest first; of a chat, also those that were cut off."""

    async def was_answered_with(self, turn_id: int) -> bool:
        """Return whether a turn was part of another one whose answer is stored: it only lacks an end of its own."""

    async def was_cut_off(self, session_id: SessionId) -> bool:
        """Return whether the last ended turn of a session was interrupted."""

    async def interruptions(self, session_id: SessionId, *, since_ms: int) -> int:
        """Return how many turns of a session were interrupted after a time."""

    async def record_event(self, turn_id: int, kind: str, payload: dict[str, Any], *, now_ms: int) -> None:
        """Append an event, such as the start of a tool, to a turn; nothing if it runs under another epoch.

        An event of a tool call is in the audit trail too, also where the turn has ended.
        """

    async def record_stop(self, turn_id: int, by: str, *, now_ms: int) -> None:
        """Note that a running turn is to end, so that no restart runs it again.

        Args:
            by: the id of a user, or the name of a program.
        """

    async def is_stopped(self, turn_id: int) -> bool:
        """Return whether somebody has stopped or replaced a turn, or has deleted its chat."""

    async def events(self, turn_id: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of a turn, in order."""

    async def last_conversation(self, user_id: UserId, channel: str) -> LastExchange | None:
        """Return a user's last exchange with Claude Code on a channel; None = there was none. O(1)."""

    async def current(self, user_id: UserId, channel: str) -> CurrentTurn | None:
        """Return the newest turn that runs for a user on a channel, else the newest that waits; None = there is none.

        O(turns that run or wait).
        """

    async def last_project(self, user_id: UserId) -> ProjectName | None:
        """Return the project that a user last used with Claude Code, on any channel; None = there is none. O(1)."""


class ToolCallStore(Protocol):
    """The calls of tools that the daemon gives the assistant. What comes for a turn of another epoch is dropped."""

    async def started(self, turn_id: int, call: ToolStarted, *, now_ms: int) -> None:
        """Add a call to a running turn."""

    async def finished(self, turn_id: int, call: ToolFinished, *, now_ms: int) -> None:
        """Add the result to a call of a running turn."""

    async def delegated(self, turn_id: int, message_id: MessageId) -> None:
        """Note that a running turn gave Claude Code a task; what the task costs counts with the turn's message, too.

        Args:
            message_id: of the task.
        """

    async def of_turns(self, turn_ids: Sequence[int], *, artifacts: bool = True) -> Mapping[int, Sequence[StoredCall]]:
        """Return the calls of some turns, in order, by the number of the turn; one without calls is left out.

        Args:
            artifacts: False = leave the artifacts out, which may be large.
        """
