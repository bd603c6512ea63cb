"""Completes turns: T3 is retried until the store takes it, then the waiting callers and subscribers are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from supervisor.delivery.hub import Hub, topics_of
from supervisor.delivery.waiters import Waiters
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import BudgetExceeded, StorageError, XswarmError
from supervisor.protocol.events import ClaudeCodeEnded, CostRecorded
from supervisor.protocol.messages import MessageId
from supervisor.protocol.times import Clock, now_ms, rfc3339, usd
from supervisor.spending.spending import Spending
from supervisor.store.ports.approvals import Approval, ApprovalStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.changes import Recorded
from supervisor.store.records.outcome import Outcome, Settled
from supervisor.store.records.result import Result
from supervisor.store.records.turn import Turn
from supervisor.turns import outcomes
from supervisor.turns.running.tool_events import ToolEvents
from supervisor.turns.running.turn import BROKE, RunningTurn
from supervisor.undo.edits import ALLOWED
from supervisor.undo.recorder import Recorder

logger = logging.getLogger(__name__)

STORAGE_RETRY_SECONDS = 0.5
"""Pause before the first retry of a write that the store refused, in seconds; it doubles with each retry."""

STORAGE_RETRY_MAX_SECONDS = 10.0
"""Longest pause between two retries of a write that the store refused."""

MAX_BEHIND = 100
"""Queued messages behind an interrupted turn that its sender is told of at most."""

STARTED = frozenset({ALLOWED, "tool_started"})
"""Kinds of events of a tool call that may have had an effect: recorded before it ran, and when it started."""


class TurnCompletion:
    """Stores the outcomes of turns, and tells the waiting callers and subscribers.

    Args:
        recorder: records the project's folder where the turn changed files.
        tools: the tool events of turns, which are stored before the turns end.

    Attributes:
        waiters: the callers that wait for the end of a message.
        time_is_up: the daemon stops: a refused write is not retried, and the next start reports the turn.
    """

    def __init__(
        self,
        *,
        turns: TurnStore,
        approvals: ApprovalStore,
        hub: Hub,
        recorder: Recorder,
        spending: Spending,
        tools: ToolEvents,
        clock: Clock = now_ms,
    ) -> None:
        self._turns = turns
        self._approvals = approvals
        self._recorder = recorder
        self._spending = spending
        self._tools = tools
        self._hub = hub
        self._clock = clock
        self.waiters = Waiters()
        self.time_is_up = False

    async def conclude(self, running: RunningTurn, ended: talk.Finished | talk.Failed, denied: Sequence[str]) -> None:
        """Store the outcome of a turn that ended while it was running.

        Args:
            denied: the refused tool calls, as sentences.
        """
        now = self._clock()
        if isinstance(ended, talk.Failed) and ended.why == outcomes.SHUT_DOWN:
            await self._tools.store(running.turn.id)
            tools = await self.that_may_have_run(running.turn, await self.tools_of(running.turn))
            asked, behind = await self.asked_by(running.turn), await self.behind(running.turn)
            outcome = outcomes.interrupted(
                running.turn, outcomes.SHUT_DOWN, tools, running, now, asked=asked, behind=behind
            )
            await self.finish(running.turn, outcome, outcomes.failure(running.turn, outcome.why))
            return
        outcome = outcomes.concluded(running, ended, denied, now)
        error: XswarmError | None = None
        if isinstance(ended, talk.Failed) and running.refused is not None:
            error = running.refused
        elif isinstance(ended, talk.Failed):
            why = outcomes.stopped(running) if ended.interrupted else ended.why
            error = outcomes.failure(running.turn, why, timed_out=ended.timed_out, remedy=ended.remedy)
        if included := [part.turn for part in running.parts_ended_with(ended)]:
            outcome = replace(outcome, includes=[part.id for part in included])
        await self.finish(running.turn, outcome, error, joined=tuple(part.message_id for part in included))

    async def conclude_part(self, part: RunningTurn, ended: talk.Finished | talk.Failed, *, hosts: bool) -> None:
        """Store the outcome of a turn that was part of another one and ended with it.

        Args:
            ended: the end of the other turn.
            hosts: more turns are part of that turn; the first of them takes its place in the store.
        """
        if isinstance(ended, talk.Failed) and ended.why == outcomes.SHUT_DOWN:
            outcome = outcomes.interrupted(part.turn, outcomes.SHUT_DOWN, (), None, self._clock())
        else:
            outcome = outcomes.included(part.turn, ended, self._clock())
        error = outcomes.failure(part.turn, outcome.why) if outcome.why else None
        await self.finish(part.turn, replace(outcome, hosts=hosts), error)

    async def refuse(self, turn: Turn, error: XswarmError) -> None:
        """Store that a turn and the turns that are part of it were not run, and tell their senders why."""
        refused: Turn | None = turn
        while refused is not None:
            outcome = outcomes.not_started(refused, error, self._clock())
            refused = await self.finish(refused, replace(outcome, hosts=True), error)

    async def requeue(self, turn: Turn) -> None:
        """Put a turn that certainly changed nothing back into the queue; it runs again after the restart."""
        await self._approvals.withdraw(turn.id, allowed=True, now_ms=self._clock())  # it asks again
        await self._turns.requeue(turn.id, now_ms=self._clock())
        self._tools.ended(turn.id)

    async def note_stop(self, turn: Turn, by: str) -> None:
        """Note in the store that somebody has stopped a turn: after a kill, it does not run again.

        Args:
            by: the id of a user, or the name of a program.
        """
        try:
            await self._turns.record_stop(turn.id, by, now_ms=self._clock())
        except StorageError as error:  # it is stopped all the same
            logger.error("%s: that it was stopped could not be stored: %s", turn.message_id, error)

    async def has_only_read(self, turn: Turn) -> bool:
        """Return whether no tool call of a turn was allowed that may change something."""
        return all(kind != ALLOWED for kind, _ in await self._turns.events(turn.id))

    async def asked_by(self, turn: Turn) -> Sequence[Approval]:
        """Return the questions of a turn that stay open after the turn's end, oldest first."""
        return await self._approvals.of_turn(turn.id, now_ms=self._clock())

    async def tools_of(self, turn: Turn) -> Mapping[str, str]:
        """Return the tool calls of a turn that had started or were about to, a few words each, by `tool_use_id`."""
        found = await self._turns.events(turn.id)
        return {str(load.get("id")): str(load.get("summary", "")) for kind, load in found if kind in STARTED}

    async def that_may_have_run(self, turn: Turn, tools: Mapping[str, str]) -> Sequence[str]:
        """Return the tool calls of a turn that may have had an effect, a few words each.

        A call that waited for an answer, or that was denied, has not run.

        Args:
            tools: by `tool_use_id`.
        """
        not_run = set(await self._approvals.not_run(turn.id))
        return [call for tool_use_id, call in tools.items() if tool_use_id not in not_run]

    async def behind(self, turn: Turn) -> Sequence[Turn]:
        """Return the turns that are queued behind a turn; in a shared session, also those of other users."""
        waiting = await self._turns.waiting(lane=turn.lane, user_id=None, limit=MAX_BEHIND)
        return [one for one in waiting if one.id > turn.id]

    async def finish(
        self, turn: Turn, outcome: Outcome, error: XswarmError | None, *, joined: tuple[MessageId, ...] = ()
    ) -> Turn | None:
        """Store the outcome of a turn (T3), then tell the waiting callers; return the turn that runs in its place.

        A write that the store refuses is retried until it succeeds, or until `time_is_up`.

        Args:
            error: what the waiting callers get; None = the result of the turn.
            joined: the messages that were part of the turn and end with it.
        """
        overspent = error if isinstance(error, BudgetExceeded) else None
        if overspent is not None:
            outcome = self._spending.with_advice(turn, outcome, overspent)
        written = await self._write(turn, outcome)
        self._recorder.ended(turn)
        self._tools.ended(turn.id)
        if written is None:
            return None  # the turn stays running in the store, and the next start reports it
        outcome, settled = written
        if settled is None:
            logger.error("%s: its outcome was not stored: another epoch has it", turn.message_id)
            self.waiters.fail(turn.message_id, outcomes.failure(turn, "another daemon has taken it over"))
            return None
        await self._spending.alert_ended(turn, overspent)
        self._announce_cost(turn, settled.cost_nanos, outcome.now_ms)
        self._announce_end(turn, outcome, settled.cost_nanos)
        if error is not None:
            self.waiters.fail(turn.message_id, error)
        else:
            self.waiters.resolve(turn.message_id, _result(turn, outcome, settled, joined))
        return settled.following

    async def _write(self, turn: Turn, outcome: Outcome) -> tuple[Outcome, Settled | None] | None:
        """Write an outcome with how the turn left its folder, and retry until the store takes it.

        Returns:
            The outcome as written, and what the store says of it: None = another epoch has taken the turn over.
            None for both: the time is up, and nothing was written.
        """
        pause = STORAGE_RETRY_SECONDS
        looked = False
        while True:
            try:
                await self._tools.store(turn.id)
                if not looked and (left := await self._left_by(turn)) is not None:
                    outcome = replace(outcomes.noted(outcome, left[0]), recorded=left[0], files_changed=left[1])
                looked = True
                return outcome, await self._turns.finish(turn.id, outcome)
            except StorageError as refused:
                logger.error("%s: the outcome cannot be stored yet: %s", turn.message_id, refused)
                self.waiters.fail(turn.message_id, refused)
                if self.time_is_up:
                    return None
                await asyncio.sleep(pause)
                pause = min(pause * 2, STORAGE_RETRY_MAX_SECONDS)

    async def _left_by(self, turn: Turn) -> tuple[Recorded, int | None] | None:
        """Return how a turn leaves its folder, and how many files it changed; an error in this does not stop T3.

        Raises:
            StorageError: the caller retries.
        """
        try:
            return await self._recorder.after(turn)
        except StorageError:
            raise
        except Exception:
            logger.exception("%s: how it leaves its folder could not be recorded", turn.message_id)
            return Recorded(why=BROKE), None

    def _announce_end(self, turn: Turn, outcome: Outcome, cost_nanos: int) -> None:
        topics = topics_of(turn)
        if turn.session_id is None or not self._hub.wanted(*topics):
            return
        event = ClaudeCodeEnded(
            session_id=turn.session_id,
            message_id=turn.message_id,
            user_id=turn.user_id,
            status=outcome.state.value,
            cost_usd=usd(cost_nanos),
            duration_ms=outcome.duration_ms,
            timestamp=rfc3339(outcome.now_ms),
        )
        self._hub.publish(event, topics)

    def _announce_cost(self, turn: Turn, cost_nanos: int, at_ms: int) -> None:
        if not cost_nanos:
            return
        topics = ("costs", *topics_of(turn))
        if self._hub.wanted(*topics):
            event = CostRecorded(
                user_id=turn.user_id,
                session_id=turn.session_id,
                message_id=turn.message_id,
                cost_usd=usd(cost_nanos),
                channel=turn.channel,
                timestamp=rfc3339(at_ms),
            )
            self._hub.publish(event, topics)


def _result(turn: Turn, outcome: Outcome, settled: Settled, joined: tuple[MessageId, ...]) -> Result:
    return Result(
        turn=turn,
        state=outcome.state,
        answer=outcome.answer,
        answer_id=settled.answer_id,
        why=outcome.why,
        stop_reason=outcome.stop_reason,
        duration_ms=outcome.duration_ms,
        cost_nanos=settled.cost_nanos + settled.delegated_nanos,
        unpriced=settled.unpriced,
        tokens=settled.tokens + settled.delegated_tokens,
        ended_ms=outcome.now_ms,
        joined=joined,
    )
