"""Recovery after a crash: each turn that a dead daemon left running is answered, requeued or reported."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from time import monotonic
from typing import Protocol

from supervisor.background.relocation import Relocation
from supervisor.protocol import conversation as talk
from supervisor.protocol.conversation import Trace, TraceKind
from supervisor.protocol.status import EndReason, Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.protocol.values.record import record
from supervisor.sessions.pool import SessionPool
from supervisor.store.ports.approvals import ApprovalStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.outcome import Outcome
from supervisor.store.records.turn import Turn
from supervisor.turns import outcomes
from supervisor.turns.completion import TurnCompletion
from supervisor.turns.prompts import key_of
from supervisor.turns.scheduler import TurnScheduler
from supervisor.undo.edits import ALLOWED
from supervisor.undo.recorder import Recorder

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""Number of times that a turn may be started; a turn that keeps crashing the daemon is reported instead."""

MAX_INTERRUPTIONS = 2
INTENSITY_MS = 600_000
"""A session with so many interrupted turns within this time, in milliseconds, does not start again by itself."""

LEFT_SECONDS = 15.0
"""How long a turn is left to a node that has its folder, in seconds; then it is interrupted."""

RESTARTED = "the daemon was restarted while it ran"

RESTARTED_WITH_HOST = "the daemon was restarted while the turn that it was part of was running"

WITHOUT_TOOLS = frozenset({TraceKind.ABSENT, TraceKind.UNANSWERED, TraceKind.SPOKEN})
"""No tool was called: the prompt is given again, under the same key unless an answer to it had begun."""


class Settlement(Enum):
    """What recovery did with a turn."""

    ANSWERED = auto()
    """The turn had an answer, which is delivered now."""
    REQUEUED = auto()
    """The turn runs again."""
    INTERRUPTED = auto()
    """The turn is marked interrupted, and its sender decides whether it runs again."""
    STOPPED = auto()
    """Somebody had stopped or replaced the turn before the crash: it is marked cancelled."""


@record
class Recovered:
    """What recovery found at the start.

    Attributes:
        sessions: number of sessions that lost their process.
        requeued: number of turns that run again.
        interrupted: number of turns that are marked interrupted.
        answered: number of turns that had an answer, which is delivered now.
        stopped: number of turns that somebody had stopped or replaced before.
        left: number of turns that are left to a node that has their folder.
    """

    sessions: int
    requeued: int
    interrupted: int
    answered: int
    stopped: int
    left: int = 0


class RecoveryStore(Protocol):
    """What recovery reads and writes."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions of Claude Code, and the records of chats."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions about tool calls."""


class Recovery:
    """Settles the turns of dead epochs; the processes of those have ended, or the connectors have ended them before.

    What a turn of the assistant has done is read from our events, which record each tool call before it runs and
    whether it only reads: where all of them did, the turn runs again. What a turn of Claude Code has done is read from
    Claude Code's transcript as well:

    - a turn with an answer is completed, and the answer is delivered;
    - a turn that somebody had stopped, or replaced by an edited message, is cancelled;
    - a turn that had called no tool runs again;
    - any other turn is marked interrupted. Its sender is told which tools had started, and decides whether it runs
      again (promise P5).

    Args:
        relocation: lets sessions follow the folders of their projects before their turns are settled.
        auto_continue: a turn whose tool calls had only read runs again as well.
    """

    def __init__(
        self,
        *,
        store: RecoveryStore,
        sessions: SessionPool,
        turns: TurnScheduler,
        completion: TurnCompletion,
        recorder: Recorder,
        relocation: Relocation,
        auto_continue: bool = False,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._turns = turns
        self._completion = completion
        self._recorder = recorder
        self._relocation = relocation
        self._auto_continue = auto_continue
        self._clock = clock
        self._left: dict[int, float] = {}
        self._unsettled: dict[int, tuple[Turn, Settlement | None]] = {}

    async def run(self) -> Recovered:
        """At the start: settle every unfinished turn that this node can, then start the waiting ones.

        Raises:
            StorageError: the store refused; the daemon does not start.
        """
        await self._relocation.run()
        return await self.settle()

    async def settle(self) -> Recovered:
        """Settle the turns that dead nodes have left, then start the waiting ones.

        Those of a project whose folder another node has are left to it for `LEFT_SECONDS`. A turn whose settlement
        fails stops no other one; the next call begins with it, because it is of a living node now.

        Raises:
            StorageError: the store refused. Any other error of a settlement is raised as well, after the others.
        """
        sessions = await self._store.sessions.end_dead(EndReason.CRASH, now_ms=self._clock())
        ends: Counter[Settlement] = Counter()
        errors: list[Exception] = []
        for turn, host in list(self._unsettled.values()):
            await self._settle_whole(turn, host, ends, errors)
        left: dict[int, float] = {}
        for turn in await self._store.turns.unfinished():
            since = self._left.get(turn.id, monotonic())
            if monotonic() - since < LEFT_SECONDS and not await self._turns.claim(turn.lane, turn.project):
                left[turn.id] = since
            elif await self._store.turns.adopt(turn.id):
                await self._settle_whole(turn, None, ends, errors)
        self._left = left
        await self._store.approvals.keep(now_ms=self._clock())
        found = Recovered(
            sessions=sessions,
            requeued=ends[Settlement.REQUEUED],
            interrupted=ends[Settlement.INTERRUPTED],
            answered=ends[Settlement.ANSWERED],
            stopped=ends[Settlement.STOPPED],
            left=len(left),
        )
        if sessions or ends:
            logger.warning(
                "after a crash: %d sessions lost their process, %d turns run again, %d were interrupted, %d answered, "
                "%d stopped",
                found.sessions,
                found.requeued,
                found.interrupted,
                found.answered,
                found.stopped,
            )
        if errors:
            raise errors[0]
        await self._turns.sweep()
        return found

    async def _settle_whole(
        self, turn: Turn, host: Settlement | None, ends: Counter[Settlement], errors: list[Exception]
    ) -> None:
        """Settle a turn, then one after the other the turns that were part of it; count the results in `ends`.

        Args:
            host: how the turn that this one was part of has ended; None = it was part of none.
            errors: gets what stopped it. The turn stays in `_unsettled` then.
        """
        following: Turn | None = turn
        try:
            while following is not None:
                turn = following
                self._unsettled[turn.id] = (turn, host)
                if host is None:
                    host, following = await self._settle(turn)
                    ends[host] += 1
                else:
                    end, following = await self._settle_part(turn, answered=host is Settlement.ANSWERED)
                    ends[end] += 1
                del self._unsettled[turn.id]
        except Exception as error:  # noqa: BLE001 (the caller raises it)
            logger.warning("%s: what a dead node left of it cannot be settled yet: %s", turn.message_id, error)
            errors.append(error)

    async def _settle_part(self, part: Turn, *, answered: bool) -> tuple[Settlement, Turn | None]:
        """Settle a turn that was gathered with another one or steered into it; the model may not have seen it.

        Args:
            answered: the other turn had an answer.
        """
        if part.gather and answered:
            ended = talk.Finished(message_id=part.message_id, text="")
            return Settlement.ANSWERED, await self._finish(part, outcomes.included(part, ended, self._clock()))
        trace = await self._trace(part)
        if trace.kind is TraceKind.ANSWERED:
            return Settlement.ANSWERED, await self._finish(part, outcomes.recovered(part, trace.answer, self._clock()))
        if await self._store.turns.is_stopped(part.id):
            return Settlement.STOPPED, await self._stopped(part, trace.tools)
        outcome = outcomes.interrupted(part, RESTARTED_WITH_HOST, list(trace.tools.values()), None, self._clock())
        return Settlement.INTERRUPTED, await self._finish(part, outcome)

    async def _finish(self, turn: Turn, outcome: Outcome) -> Turn | None:
        """Store the outcome of a turn; return the part of it that is to be settled next."""
        return await self._completion.finish(turn, replace(outcome, hosts=True), None)

    async def _settle(self, turn: Turn) -> tuple[Settlement, Turn | None]:
        """Settle one turn; return how, and the part of it that is to be settled next."""
        await self._recorder.adopt(turn)
        if await self._store.turns.was_answered_with(turn.id):
            ended = talk.Finished(message_id=turn.message_id, text="")
            return Settlement.ANSWERED, await self._finish(turn, outcomes.included(turn, ended, self._clock()))
        trace = await self._trace(turn)
        if trace.kind is TraceKind.ANSWERED:
            return Settlement.ANSWERED, await self._finish(turn, outcomes.recovered(turn, trace.answer, self._clock()))
        tools = await self._completion.tools_of(turn) or trace.tools
        if await self._store.turns.is_stopped(turn.id):
            return Settlement.STOPPED, await self._stopped(turn, tools)
        if await self._may_run_again(turn, trace, tools):
            answered = trace.kind in (TraceKind.SPOKEN, TraceKind.STARTED)
            await self._store.turns.requeue(turn.id, rename=answered, now_ms=self._clock())
            self._recorder.ended(turn)
            return Settlement.REQUEUED, None
        attention = await self._is_interrupted_too_often(turn)
        outcome = outcomes.interrupted(
            turn,
            RESTARTED,
            await self._completion.that_may_have_run(turn, tools),
            None,
            self._clock(),
            attention=attention,
            asked=await self._completion.asked_by(turn),
            behind=await self._completion.behind(turn),
        )
        return Settlement.INTERRUPTED, await self._finish(turn, outcome)

    async def _stopped(self, turn: Turn, tools: Mapping[str, str]) -> Turn | None:
        """Store that a turn was stopped before the crash; return the part of it that is to be settled next."""
        await self._store.approvals.withdraw(turn.id, allowed=True, now_ms=self._clock())
        started = await self._completion.that_may_have_run(turn, tools)
        return await self._finish(turn, outcomes.stopped_before(turn, started, self._clock()))

    async def _is_interrupted_too_often(self, turn: Turn) -> bool:
        """Return whether the session of an interrupted turn was interrupted too often within `INTENSITY_MS`."""
        if turn.session_id is None or turn.target is Target.ASSISTANT:
            return False
        since_ms = self._clock() - INTENSITY_MS
        return await self._store.turns.interruptions(turn.session_id, since_ms=since_ms) + 1 >= MAX_INTERRUPTIONS

    async def _trace(self, turn: Turn) -> Trace:
        if turn.session_id is None or turn.target is Target.ASSISTANT:
            return Trace()
        if (session := await self._store.sessions.get(turn.session_id)) is None:
            return Trace()
        return await self._sessions.trace(session, key_of(turn))

    async def _may_run_again(self, turn: Turn, trace: Trace, tools: Mapping[str, str]) -> bool:
        if turn.attempts + 1 >= MAX_ATTEMPTS:  # attempts counts how often it was begun again
            return False
        if turn.target is Target.ASSISTANT:
            return await self._completion.has_only_read(turn)
        if trace.kind in WITHOUT_TOOLS and not tools:
            return True
        if not self._auto_continue or trace.kind is not TraceKind.STARTED:
            return False
        # A call that may change something is recorded as allowed before it runs.
        return all(kind != ALLOWED for kind, _ in await self._store.turns.events(turn.id))
