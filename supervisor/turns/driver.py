"""Drives one running turn in its conversation: writes the prompt, waits for the end, suspends the turn meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from supervisor.approvals.pending import PendingApproval
from supervisor.cluster.files import Files
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import ConnectionFailed, StorageError
from supervisor.protocol.ports.connector import Conversation
from supervisor.sessions.live import LiveSession
from supervisor.spending.meter import SessionMeter
from supervisor.turns import outcomes
from supervisor.turns.completion import TurnCompletion
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.prompts import prompt_of
from supervisor.turns.running.budget_guard import BudgetGuard
from supervisor.turns.running.clock import never
from supervisor.turns.running.turn import BROKE, NOT_BEGUN, Ended, RunningTurn
from supervisor.turns.suspension import Suspension

logger = logging.getLogger(__name__)

GRACE_SECONDS = 30.0
"""Time that a connector's own watchdog gets on top of the turn's timeout before the core ends the turn itself."""

LEAST_WAIT_SECONDS = 0.1
"""Shortest pause between two looks at a turn whose time is nearly up while a person is asked."""


class TurnDriver:
    """Runs a turn from its prompt to its end.

    Args:
        suspension: closes the process of a turn whose question waits long.
        files: brings what people attached at other nodes.
        turn_timeout: seconds that one turn may take.
        grace_seconds: see `GRACE_SECONDS`.
        stood: for how many seconds the processes were stopped so far, because the database was away. No turn's time
            goes on then.
    """

    def __init__(
        self,
        *,
        guard: BudgetGuard,
        suspension: Suspension,
        completion: TurnCompletion,
        files: Files,
        turn_timeout: float,
        grace_seconds: float = GRACE_SECONDS,
        stood: Callable[[], float] = never,
    ) -> None:
        self._guard = guard
        self._suspension = suspension
        self._completion = completion
        self._files = files
        self._turn_timeout = turn_timeout
        self._grace_seconds = grace_seconds
        self._stood = stood

    async def drive(
        self,
        lane: Lane,
        running: RunningTurn,
        conversation: Conversation,
        meter: SessionMeter,
        session: LiveSession | None = None,
        *,
        stop: bool = False,
    ) -> Ended:
        """Write the prompt of a turn, unless it is written already, and return how the turn ended.

        Args:
            session: None = the turn has no session, so it cannot be suspended.
            stop: the turn was steered into a turn that was interrupted, so it is interrupted as well.
        """
        try:
            await self._run(lane, running, conversation, meter, session, stop=stop)
        finally:
            await self._free(lane, running, meter)
        return running.ended.result()

    async def _run(
        self,
        lane: Lane,
        running: RunningTurn,
        conversation: Conversation,
        meter: SessionMeter,
        session: LiveSession | None,
        *,
        stop: bool,
    ) -> None:
        """Bring a turn to its end; what raises ends it as well."""
        try:
            running.clock.stand_with(self._stood)
            stop = self._begin(lane, running, conversation) or stop
            prompt = None if running.given else prompt_of(await self._files.brought(running.turn))
            if running.stopping and not running.given:  # while its files were brought, so no process had work to stop
                running.fail(NOT_BEGUN, interrupted=True)
            running.clock.limit(self._turn_timeout + self._grace_seconds)
            while not running.ended.done():
                self._guard.watch(meter, running, conversation)
                async with asyncio.timeout(running.clock.left()):
                    if prompt is not None:
                        await conversation.prompt(prompt)
                        running.given = True
                    elif stop:
                        await conversation.interrupt()
                question = await self._until_paused(running)
                if question is None or running.ended.done():
                    return
                with running.asking():  # a suspended turn uses no time, and gains none
                    resumed = await self._suspend(lane, running, question, session)
                conversation, prompt = resumed or (conversation, None)
        except Exception as error:
            failure = _failure_of(error, self._turn_timeout)
            if failure.why is BROKE:
                logger.exception("%s: the connector broke", running.turn.message_id)
            running.fail(failure.why, timed_out=failure.timed_out)
            if failure.still_works:
                await conversation.close()

    async def _free(self, lane: Lane, running: RunningTurn, meter: SessionMeter) -> None:
        """Free the lane of a turn that has ended, and collect the turn's charges."""
        meter.on_refusal = None
        await lane.end()
        running.charges += await meter.settle(running.turn.id)

    def _begin(self, lane: Lane, running: RunningTurn, conversation: Conversation) -> bool:
        """Note that a turn begins in its lane, and end it where it is interrupted already; return whether it is."""
        interrupted = lane.begin(running, conversation)
        if interrupted and not running.given:
            running.fail(NOT_BEGUN, interrupted=True)
        lane.tell_interrupters(running)
        if self._completion.time_is_up:
            running.fail(outcomes.SHUT_DOWN)
        return interrupted

    async def _until_paused(self, running: RunningTurn) -> PendingApproval | None:
        """Wait until a turn ends, which returns None, or until it can be suspended for a question.

        Raises:
            TimeoutError: the turn's time is up.
        """
        loop = asyncio.get_running_loop()
        while True:
            left = running.clock.left()
            if left <= 0 and not running.pause.done():
                raise TimeoutError
            timer = loop.call_later(max(left, LEAST_WAIT_SECONDS), running.wake)
            try:
                question = await running.pause
            finally:
                timer.cancel()
            if question is not None or running.ended.done():
                return question
            running.resume()  # its clock stood: a person was asked meanwhile, or the processes stood

    async def _suspend(
        self, lane: Lane, running: RunningTurn, question: PendingApproval, session: LiveSession | None
    ) -> tuple[Conversation, talk.Prompt] | None:
        """Suspend a turn until its question is answered; return where it resumes, None where it goes on as it was."""
        running.resume()
        async with lane.gate:  # a message that is being steered into the turn joins it first
            if session is None or not question.suspend():
                return None
            lane.conversation = None
        resumed = await self._suspension.until_answered(session, running, question)
        if resumed is not None:
            lane.conversation = resumed[0]
        return resumed


@dataclass(frozen=True, slots=True)
class _Failure:
    """How a turn ends after an error.

    Attributes:
        still_works: its process may still work on the turn, so it must be closed.
    """

    why: str
    timed_out: bool = False
    still_works: bool = False


def _failure_of(error: Exception, turn_timeout: float) -> _Failure:
    """Return how a turn ends whose conversation raised an error."""
    match error:
        case ConnectionFailed():
            return _Failure(error.why)
        case StorageError():
            return _Failure(str(error))
        case TimeoutError():
            return _Failure(f"no answer within {turn_timeout:.0f} seconds", timed_out=True, still_works=True)
        case _:
            return _Failure(BROKE, still_works=True)
