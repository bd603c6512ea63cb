"""What the daemon has to do at this moment, as numbers: for /metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from supervisor.protocol.status import OutboxState
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.protocol.values.record import record
from supervisor.sessions.pool import SessionPool
from supervisor.store.ports.approvals import ApprovalStore
from supervisor.store.ports.ledger import CostQuery, LedgerStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.turns.scheduler import TurnScheduler


@record
class Load:
    """What runs and waits.

    Attributes:
        running, waiting: turns.
        waiting_seconds: how long the oldest waiting turn has waited, in seconds; 0 = none waits.
        replies: by state; only those that are pending, sending or dead.
        late_seconds: the age of the oldest reply that should have left, in seconds; 0 = none is late.
        approvals: open questions.
        sessions: those of Claude Code that are neither disconnected nor in error.
        processes: of these sessions.
        nanos, today_nanos: what was spent since ever, and on this UTC day, in nanodollars.
    """

    running: int
    waiting: int
    waiting_seconds: float
    replies: Mapping[OutboxState, int]
    late_seconds: float
    approvals: int
    sessions: int
    processes: int
    nanos: int
    today_nanos: int


class LoadStore(Protocol):
    """What the load is read from."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def outbox(self) -> OutboxStore:
        """Replies."""

    @property
    def ledger(self) -> LedgerStore:
        """Costs."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions about tool calls."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions of Claude Code, and the records of chats."""


class LoadReader:
    """Reads the load; each read takes some quick queries."""

    def __init__(self, store: LoadStore, turns: TurnScheduler, sessions: SessionPool, clock: Clock = now_ms) -> None:
        self._store = store
        self._turns = turns
        self._sessions = sessions
        self._clock = clock

    async def now(self) -> Load:
        """Return the load.

        Raises:
            StorageError: the database cannot be read.
        """
        now, store = self._clock(), self._store
        oldest = await store.turns.waiting(lane=None, user_id=None, limit=1)
        late = await store.outbox.late(before_ms=now, user_id=None, limit=1)
        ever, _ = await store.ledger.cost(CostQuery())
        today, _ = await store.ledger.cost(CostQuery(since_day=now // DAY_MS))
        return Load(
            running=len(self._turns.running_turns()),
            waiting=await store.turns.pending_count(),
            waiting_seconds=max((_seconds(now - turn.accepted_ms) for turn in oldest), default=0.0),
            replies=await store.outbox.counts(),
            late_seconds=max((_seconds(now - row.created_ms) for row in late), default=0.0),
            approvals=len(await store.approvals.open_now(now_ms=now)),
            sessions=await store.sessions.live_count(),
            processes=self._sessions.process_count(),
            nanos=ever.cost_nanos,
            today_nanos=today.cost_nanos,
        )


def _seconds(ms: int) -> float:
    return max(0, ms) / 1000
