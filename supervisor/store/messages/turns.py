"""Turns: the port over T1, T2 and T3, the queue of pending turns, and the events of running ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.cluster.nodes import is_dead
from supervisor.store.control.stops import STOPPED, cancel, is_stopped
from supervisor.store.drafts import add_drafts
from supervisor.store.engine import Database, Reader
from supervisor.store.messages.accept import accept
from supervisor.store.messages.chats import chat_exchanges, is_chat
from supervisor.store.messages.dedup import attempt, give_up, known
from supervisor.store.messages.finish import finish
from supervisor.store.messages.history import exchanges, history, interruptions, last_used, result_of, was_cut_off
from supervisor.store.messages.joins import ahead_of, join, release
from supervisor.store.messages.start import start_next
from supervisor.store.ports.cluster.notices import Topic
from supervisor.store.records.acceptance import Acceptance, Accepted, Attempt
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import Outcome, Settled
from supervisor.store.records.result import Result, StoredExchange, StoredMessage
from supervisor.store.records.session import LastExchange
from supervisor.store.records.turn import CurrentTurn, Turn
from supervisor.store.rows import TURN, TURNS, to_turn
from supervisor.store.transaction import Transaction, to_json

_REQUEUE = """
    UPDATE turns SET state = 'pending', attempts = attempts + 1, renamed = renamed + ?, pid = NULL, pid_started = NULL,
                     boot_id = NULL, started_ms = NULL
    WHERE id = ? AND state = 'running' AND epoch = ?
"""
_PENDING_OF_LANE = f"""
    {TURNS} WHERE t.lane = ? AND t.state = 'pending' AND t.user_id = coalesce(?, t.user_id) ORDER BY t.id
"""
_WAITING = f"""
    {TURNS} WHERE t.id IN (SELECT id FROM turns INDEXED BY turns_pending WHERE state = 'pending')
      AND (CAST(:lane AS TEXT) IS NULL OR t.lane = :lane)
      AND (CAST(:user_id AS TEXT) IS NULL OR t.user_id = :user_id) ORDER BY t.id LIMIT :limit
"""
_FORGET_FOLDER = "DELETE FROM checkpoints WHERE turn_id = ?"
_FORGET_CALLS = "DELETE FROM tool_calls WHERE turn_id = ?"
_WAITING_LANES = "SELECT lane, min(project), min(id) FROM turns WHERE state = 'pending' GROUP BY lane ORDER BY min(id)"
_IS_WAITING = "SELECT EXISTS (SELECT 1 FROM turns WHERE lane = ? AND state = 'pending')"
_IS_RUNNING = "SELECT EXISTS (SELECT 1 FROM turns WHERE lane = ? AND state = 'running')"
_PENDING_COUNT = "SELECT count(*) FROM turns WHERE state = 'pending'"
_UNFINISHED = f"""
    {TURNS} WHERE t.id IN (SELECT id FROM turns INDEXED BY turns_running WHERE state = 'running' AND {is_dead()})
    ORDER BY t.id
"""
_ADOPT = f"UPDATE turns SET epoch = ? WHERE id = ? AND state = 'running' AND {is_dead()}"
_ADD_EVENT = """
    INSERT INTO events (turn_id, seq, at_ms, epoch, kind, payload)
    SELECT id, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE turn_id = turns.id), ?, epoch, ?, ?
    FROM turns WHERE id = ? AND state = 'running' AND epoch = ?
"""
_IS_ANSWERED = "SELECT EXISTS (SELECT 1 FROM turns WHERE id = ? AND answered_by IS NOT NULL)"
_EVENTS = "SELECT kind, payload FROM events WHERE turn_id = ? ORDER BY seq"
_LANE = "SELECT lane, project FROM turns WHERE id = ?"
_WHOSE = "SELECT user_id, channel FROM turns WHERE id = ? AND (state <> 'running' OR epoch = ?)"
_NEWEST_RUNNING = """
    SELECT t.target, s.id FROM turns AS t INDEXED BY turns_running
    LEFT JOIN claude_code_sessions AS s ON s.number = t.session
    WHERE t.state = 'running' AND t.user_id = ? AND t.channel = ? ORDER BY t.id DESC LIMIT 1
"""
_NEWEST_PENDING = _NEWEST_RUNNING.replace("running", "pending")
_STARTED_MS = """
    SELECT max(at_ms) FROM events
    WHERE turn_id = ? AND kind = 'tool_started' AND json_extract(payload, '$.id') = ?
"""


class SqlTurns:
    """`TurnStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, acceptance: Acceptance, *, orphaned: Callable[[Accepted], None] | None = None) -> Accepted:
        """T1."""
        return await self._database.write(lambda tx: accept(tx, acceptance), orphaned)

    async def attempt(self, attempt_: Attempt) -> Accepted | None:
        """Count and claim a message that acts before T1; None = it may act."""
        return await self._database.write(lambda tx: attempt(tx, attempt_))

    async def give_up(self, attempt_: Attempt) -> None:
        """Give up the claim of a message that could not act."""
        await self._database.write(lambda tx: give_up(tx, attempt_))

    async def known(self, channel: str, account: str, dedup_key: str, digest: str) -> Accepted | None:
        """Return the message that holds a deduplication key, as a duplicate; None = no message does."""
        return await self._database.read(lambda connection: known(connection, channel, account, dedup_key, digest))

    async def start_next(
        self, lane: str, identity: ProcessIdentity | None, *, node: str = "", now_ms: int
    ) -> Turn | None:
        """T2."""
        return await self._database.write(lambda tx: start_next(tx, lane, identity, now_ms, node))

    async def finish(self, turn_id: int, outcome: Outcome) -> Settled | None:
        """T3."""
        return await self._database.write(lambda tx: finish(tx, turn_id, outcome))

    async def join(
        self,
        message_id: MessageId,
        host_id: int | None,
        *,
        joined: Sequence[OutboxDraft],
        queued: Callable[[int], Sequence[OutboxDraft]],
        now_ms: int,
    ) -> Turn | None:
        """Make a pending turn part of a running one."""
        return await self._database.write(lambda tx: join(tx, message_id, host_id, joined, queued, now_ms))

    async def requeue(self, turn_id: int, *, rename: bool = False, now_ms: int) -> bool:
        """Return a turn that certainly changed nothing to pending."""

        def work(tx: Transaction) -> bool:
            tx.point("requeue")
            if not tx.changed(_REQUEUE, (rename, turn_id, tx.epoch)):
                return False
            tx.mark_prompt(turn_id, TurnState.PENDING)
            release(tx, turn_id)
            tx.execute(_FORGET_FOLDER, (turn_id,))
            tx.execute(_FORGET_CALLS, (turn_id,))
            lane, project = tx.execute(_LANE, (turn_id,)).fetchone()
            tx.notify(Topic.WORK, f"{project} {lane}")
            tx.record("supervisor", "turn.requeued", {"turn": turn_id}, now_ms)
            return True

        return await self._database.write(work)

    async def cancel_pending(
        self,
        lane: str,
        why: str,
        *,
        of: UserId | None = None,
        notices: Callable[[Turn], Sequence[OutboxDraft]] | None = None,
        now_ms: int,
    ) -> list[Turn]:
        """Cancel the pending turns of a lane; return them in their new state."""

        def work(tx: Transaction) -> list[Turn]:
            tx.point("cancel")
            waiting = [row[0] for row in tx.execute(_PENDING_OF_LANE, (lane, of)).fetchall()]
            for turn_id in waiting:
                cancel(tx, turn_id, why, now_ms)
            cancelled = [to_turn(tx.execute(TURN, (turn_id,)).fetchone()) for turn_id in waiting]
            if notices is not None:
                for turn in cancelled:
                    add_drafts(tx, notices(turn), turn.id, turn.user_id, now_ms)
            return cancelled

        return await self._database.write(work)

    async def cancel(self, turn_id: int, why: str, replies: Sequence[OutboxDraft], *, now_ms: int) -> bool:
        """Cancel one pending turn and write replies to its person."""

        def work(tx: Transaction) -> bool:
            tx.point("cancel")
            if not cancel(tx, turn_id, why, now_ms):
                return False
            (user_id,) = tx.execute("SELECT user_id FROM turns WHERE id = ?", (turn_id,)).fetchone()
            add_drafts(tx, replies, turn_id, user_id, now_ms)
            return True

        return await self._database.write(work)

    async def waiting_lanes(self) -> list[tuple[str, ProjectName]]:
        """Return the lanes with pending turns, oldest first."""
        return await self._database.read(
            lambda connection: [(lane, project) for lane, project, _ in connection.execute(_WAITING_LANES)]
        )

    async def waiting(self, *, lane: str | None, user_id: UserId | None, limit: int) -> list[Turn]:
        """Return pending turns, oldest first."""
        values = {"lane": lane, "user_id": user_id, "limit": limit}
        return await self._database.read(
            lambda connection: [to_turn(row) for row in connection.execute(_WAITING, values)]
        )

    async def positions(self, turns: Sequence[Turn]) -> list[int]:
        """Return how many turns are running or pending ahead of each of some pending turns."""

        def work(connection: Reader) -> list[int]:
            return [ahead_of(connection, t.id, t.lane, t.project if t.exclusive else None) for t in turns]

        return await self._database.read(work)

    async def is_waiting(self, lane: str) -> bool:
        """Return whether a lane has a pending turn."""
        return await self._database.read(
            lambda connection: bool(connection.execute(_IS_WAITING, (lane,)).fetchone()[0])
        )

    async def is_running(self, lane: str) -> bool:
        """Return whether a turn of a lane runs, on whichever node."""
        return await self._database.read(
            lambda connection: bool(connection.execute(_IS_RUNNING, (lane,)).fetchone()[0])
        )

    async def pending_count(self) -> int:
        """Return how many turns are pending."""
        return await self._database.read(lambda connection: int(connection.execute(_PENDING_COUNT).fetchone()[0]))

    async def unfinished(self) -> list[Turn]:
        """Return the turns that dead epochs left running, oldest first."""
        return await self._database.read(
            lambda connection: [to_turn(row) for row in connection.execute(_UNFINISHED).fetchall()]
        )

    async def adopt(self, turn_id: int) -> bool:
        """Move a running turn of a dead epoch to this one."""
        return await self._database.write(lambda tx: tx.changed(_ADOPT, (tx.epoch, turn_id)))

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn; None = there is none with this number."""

        def work(connection: Reader) -> Turn | None:
            row = connection.execute(TURN, (turn_id,)).fetchone()
            return to_turn(row) if row is not None else None

        return await self._database.read(work)

    async def result(self, message_id: MessageId) -> Result | None:
        """Return what became of a message; None = there is no such message."""
        return await self._database.read(lambda connection: result_of(connection, message_id))

    async def history(self, session_id: SessionId, *, limit: int, before: MessageId | None) -> list[StoredMessage]:
        """Return the newest `limit` messages of a session before another one, oldest first."""
        return await self._database.read(lambda connection: history(connection, session_id, limit, before))

    async def exchanges(self, lane: str, *, limit: int) -> list[StoredExchange]:
        """Return the newest completed turns of a lane, oldest first; of a chat, also those that were cut off."""

        def work(connection: Reader) -> list[StoredExchange]:
            if is_chat(connection, lane):
                return chat_exchanges(connection, SessionId(lane), limit)
            return exchanges(connection, lane, limit)

        return await self._database.read(work)

    async def was_answered_with(self, turn_id: int) -> bool:
        """Return whether the answer of another turn is that of a turn which was part of it."""
        return await self._database.read(
            lambda connection: bool(connection.execute(_IS_ANSWERED, (turn_id,)).fetchone()[0])
        )

    async def was_cut_off(self, session_id: SessionId) -> bool:
        """Return whether the last ended turn of a session was interrupted."""
        return await self._database.read(lambda connection: was_cut_off(connection, session_id))

    async def interruptions(self, session_id: SessionId, *, since_ms: int) -> int:
        """Return how many turns of a session were interrupted after a time (milliseconds UTC)."""
        return await self._database.read(lambda connection: interruptions(connection, session_id, since_ms))

    async def record_event(self, turn_id: int, kind: str, payload: dict[str, Any], *, now_ms: int) -> None:
        """Append an event to a turn that runs under this epoch; of another one that has ended, audit its tool calls."""
        content = to_json(payload)

        def work(tx: Transaction) -> None:
            tx.execute(_ADD_EVENT, (now_ms, kind, content, turn_id, tx.epoch))
            if kind.startswith("tool_"):
                _record_tool(tx, turn_id, kind, payload, now_ms)

        await self._database.write(work)

    async def record_stop(self, turn_id: int, by: str, *, now_ms: int) -> None:
        """Note that a running turn is to end."""
        await self.record_event(turn_id, STOPPED, {"by": by}, now_ms=now_ms)

    async def is_stopped(self, turn_id: int) -> bool:
        """Return whether somebody has stopped or replaced a turn, or has deleted its chat."""
        return await self._database.read(lambda connection: is_stopped(connection, turn_id))

    async def events(self, turn_id: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of a turn, in order."""
        return await self._database.read(
            lambda connection: [(kind, json.loads(text)) for kind, text in connection.execute(_EVENTS, (turn_id,))]
        )

    async def last_conversation(self, user_id: UserId, channel: str) -> LastExchange | None:
        """Return where the user's last answer from Claude Code on a channel came from; None = there was none."""
        return await self._database.read(lambda connection: last_used(connection, user_id, channel))

    async def current(self, user_id: UserId, channel: str) -> CurrentTurn | None:
        """Return the newest turn that runs for a user on a channel, else the newest that waits."""

        def work(connection: Reader) -> CurrentTurn | None:
            for query in (_NEWEST_RUNNING, _NEWEST_PENDING):
                if (row := connection.execute(query, (user_id, channel)).fetchone()) is not None:
                    return CurrentTurn(target=Target(row[0]), session_id=row[1])
            return None

        return await self._database.read(work)

    async def last_project(self, user_id: UserId) -> ProjectName | None:
        """Return the project that the user last used with Claude Code, on any channel; None = there was none."""
        last = await self._database.read(lambda connection: last_used(connection, user_id, ""))
        return None if last is None else last.project


def _record_tool(tx: Transaction, turn_id: int, kind: str, payload: Mapping[str, Any], now_ms: int) -> None:
    """Append the audit entry of a tool call's event: in a few words what it does, and at its end the time it took.

    The turn may have ended: its process may work on. Nothing is written of one that runs under another epoch.
    """
    whose = tx.one(_WHOSE, (turn_id, tx.epoch))
    if whose is None:
        return
    detail = {"turn": turn_id} | {name: payload[name] for name in ("id", "summary", "failed") if name in payload}
    if kind == "tool_finished":
        (started_ms,) = tx.execute(_STARTED_MS, (turn_id, payload.get("id"))).fetchone()
        detail["ms"] = now_ms - started_ms if started_ms is not None else None
    user_id, channel = whose
    tx.record(user_id, kind.replace("_", ".", 1), detail, now_ms, channel=channel)
