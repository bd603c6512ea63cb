"""Runs a started turn to its end: T2 is done, the prompt is written, what happens is followed, T3 follows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from supervisor.approvals.question import PendingApproval
from supervisor.delivery.hub import Hub
from supervisor.people.rights import Rights
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import BudgetExceeded, ConnectionFailed, StorageError, TurnFailed, XswarmError
from supervisor.protocol.ports import Conversation
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.protocol.times import Clock
from supervisor.sessions.assistant import Assistant
from supervisor.sessions.live import LiveSession
from supervisor.sessions.pool import SessionPool
from supervisor.spending.limits import Scope
from supervisor.spending.meter import SessionMeter
from supervisor.spending.spending import Spending
from supervisor.store.port import Store
from supervisor.store.records import Turn
from supervisor.turns import outcomes
from supervisor.turns.budget_guard import BudgetGuard
from supervisor.turns.completion import TurnCompletion
from supervisor.turns.lane import Lane
from supervisor.turns.prompts import prompt_of
from supervisor.turns.running import BROKE, Ended, RunningTurn, feed
from supervisor.turns.suspension import Suspension
from supervisor.turns.tool_events import ToolEvents

logger = logging.getLogger(__name__)


GAVE_UP = "its session failed again and again and starts no more by itself: look what goes wrong, then connect it again"
"""What a person is told with the failure after which a session needs attention."""

LEAST_WAIT_SECONDS = 0.1
"""Between two looks at a turn whose time is nearly up while a person is asked."""


class TurnRunner:
    """Sees started turns through.

    Args:
        resting: lets turns rest whose question waits long.
        turn_timeout: seconds that one turn may take.
        grace_seconds: what a connector's own watchdog gets over that.

    Attributes:
        stopping: the daemon stops: an assistant's turn that is cut off runs again after the restart.
    """

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        sessions: SessionPool,
        assistant: Assistant,
        rights: Rights,
        spending: Spending,
        guard: BudgetGuard,
        completion: TurnCompletion,
        tools: ToolEvents,
        resting: Suspension,
        turn_timeout: float,
        grace_seconds: float,
        clock: Clock,
    ) -> None:
        self._store = store
        self._hub = hub
        self._sessions = sessions
        self._assistant = assistant
        self._rights = rights
        self._spending = spending
        self._guard = guard
        self._completion = completion
        self._tools = tools
        self._suspension = resting
        self._turn_timeout = turn_timeout
        self._grace_seconds = grace_seconds
        self._clock = clock
        self.stopping = False

    async def converse(self, lane: Lane, turn: Turn, live: LiveSession, conversation: Conversation) -> None:
        """Run a turn of Claude Code, with what is sent into it."""
        await self._see_through(turn, self._talk(lane, turn, live, conversation))

    async def assist(self, lane: Lane, turn: Turn) -> None:
        """Run a turn of the assistant."""
        await self._see_through(turn, self._ask_assistant(lane, turn))

    async def _see_through(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Let nothing that goes wrong leave a started turn without its end: it would block its lane and its project."""
        error: XswarmError
        try:
            refusal = self._rights.refusal(turn.user_id, turn.project) or await self._spending.reserve(turn)
            if refusal is not None:
                work.close()
                raise refusal
            await work
            return
        except XswarmError as failed:
            error = failed
        except Exception:
            logger.exception("%s: its turn broke", turn.message_id)
            error = TurnFailed(BROKE)
        await self._end_for_good(turn, error)
        await self._completion.refuse(turn, error)

    async def _end_for_good(self, turn: Turn, error: XswarmError | None) -> None:
        """Close the session of a turn whose limit is the session's: only a person connects it again.

        Before whoever waits is told so: the next message, sent at once, must not reach it any more.
        """
        if isinstance(error, BudgetExceeded) and error.scope == Scope.SESSION and turn.session_id is not None:
            try:
                await self._sessions.close(turn.session_id, EndReason.BUDGET)
            except StorageError as refused:  # its process is closed; whoever waits is told all the same
                logger.error("%s: its end could not be stored: %s", turn.session_id, refused)

    async def _talk(self, lane: Lane, turn: Turn, live: LiveSession, conversation: Conversation) -> None:
        """Run a turn, and one after the other what was sent into it and goes on by itself."""
        first = RunningTurn(live.noted(turn), self._hub, self._tools.recorder(lane))
        first.joined = [RunningTurn(part, self._hub, self._tools.recorder(lane)) for part in turn.gathered]
        running: RunningTurn | None = first
        stop = False
        while running is not None:
            live.meter.begin(running.turn.id, running.turn.user_id)
            running.on_end = partial(self._hand_over, live, running)
            await self._sessions.began(live, running)
            ended = await self._run(lane, running, live.conversation or conversation, live.meter, live, stop=stop)
            stop = isinstance(ended, talk.Failed) and ended.interrupted
            goes_on = running.following is not None
            if not goes_on:
                self._sessions.ended(live, well=isinstance(ended, talk.Finished))
            await self._end_for_good(running.turn, running.refused)
            following = await self._conclude(running, ended, live)
            if goes_on and following is None:
                self._sessions.ended(live, well=isinstance(ended, talk.Finished))
            running, lane.beginning = following, following is not None

    @staticmethod
    def _hand_over(live: LiveSession, running: RunningTurn) -> None:
        """Let what follows in the process pay for itself, and do nothing before it has begun."""
        live.resumed.clear()
        if (following := running.following) is not None:
            live.meter.begin(following.turn.id, following.turn.user_id)

    async def _conclude(self, running: RunningTurn, ended: Ended, live: LiveSession) -> RunningTurn | None:
        """Record the end of a turn and of the parts that ended with it; return the one that goes on in its place."""
        if isinstance(ended, talk.Failed) and live.lifecycle.status is SessionStatus.ERROR:
            ended = replace(ended, remedy=ended.remedy or GAVE_UP)
        denied = tuple(live.denied)
        await self._completion.conclude(running, ended, denied)
        while running.joined:
            part, *rest = running.joined
            if not part.turn.gather and not part.ended_with(ended):
                part.joined = rest
                return part
            await self._completion.conclude_part(part, ended, hosts=bool(rest))
            running.joined = rest
        return None

    async def _ask_assistant(self, lane: Lane, turn: Turn) -> None:
        running = RunningTurn(turn, self._hub, self._tools.recorder(lane))
        async with self._assistant.converse(turn) as (conversation, meter):
            meter.begin(turn.id, turn.user_id)
            pump = asyncio.create_task(feed(conversation, running), name=f"assistant {turn.message_id}")
            ended = await self._run(lane, running, conversation, meter)
        await pump
        if self.stopping and not isinstance(ended, talk.Finished):
            await self._store.turns.requeue(turn.id, now_ms=self._clock())  # it has no tools: it may run again
            return
        await self._completion.conclude(running, ended, ())

    async def _run(
        self,
        lane: Lane,
        running: RunningTurn,
        conversation: Conversation,
        meter: SessionMeter,
        live: LiveSession | None = None,
        *,
        stop: bool = False,
    ) -> Ended:
        """Write the prompt, where it is not written, and wait for the end of its turn.

        Args:
            live: the session, where it may go on in another process.
            stop: it was sent into a turn that was interrupted, and is to end as well.
        """
        lane.running, lane.conversation, lane.beginning = running, conversation, False
        try:
            if lane.is_cut(running.turn):
                stop = True
                if not running.given:
                    running.fail("it was interrupted before it began", interrupted=True)
            lane.tell_cut(running)
            if self._completion.time_is_up:
                running.fail(outcomes.SHUT_DOWN)
            if running.ended.done():
                return running.ended.result()
            prompt = None if running.given else prompt_of(running.turn)
            deadline = monotonic() + self._turn_timeout + self._grace_seconds
            while True:
                self._guard.watch(meter, running, conversation)
                async with asyncio.timeout(running.left(deadline)):
                    if prompt is not None:
                        await conversation.prompt(prompt)
                        running.given = True
                    elif stop:
                        await conversation.interrupt()
                question = await self._until_paused(running, deadline)
                if question is None or running.ended.done():
                    return running.ended.result()
                began = monotonic()
                conversation, prompt = await self._rest(lane, running, question, live) or (conversation, None)
                deadline += monotonic() - began  # a turn that rests takes no time, and gets none anew by it
        except ConnectionFailed as error:
            running.fail(error.why)
        except StorageError as error:
            running.fail(str(error))
        except TimeoutError:
            running.fail(f"no answer within {self._turn_timeout:.0f} seconds", timed_out=True)
            await conversation.close()
        except Exception:
            logger.exception("%s: the connector broke", running.turn.message_id)
            running.fail(BROKE)
            await conversation.close()  # nobody knows what it still does
        finally:
            meter.on_refusal = None
            async with lane.gate:
                lane.running, lane.conversation = None, None
            running.charges += await meter.settle(running.turn.id)
            if lane.writes:
                await asyncio.gather(*lane.writes)
        return running.ended.result()

    @staticmethod
    async def _until_paused(running: RunningTurn, deadline: float) -> PendingApproval | None:
        """Wait for a turn's end, or for a question without whose answer its process has nothing to do.

        Raises:
            TimeoutError: the turn's time is up.
        """
        while not running.pause.done():
            if (left := running.left(deadline)) <= 0:
                raise TimeoutError
            await asyncio.wait([running.pause], timeout=max(left, LEAST_WAIT_SECONDS))
        return running.pause.result()

    async def _rest(
        self, lane: Lane, running: RunningTurn, question: PendingApproval, live: LiveSession | None
    ) -> tuple[Conversation, talk.Prompt] | None:
        """Let go of the process that waits for an answer; return how its turn goes on, None where it need not."""
        running.resume()
        async with lane.gate:  # a message that is being sent into the turn is part of it first
            if live is None or not question.rest():
                return None
            lane.conversation = None
        resumed = await self._suspension.until_answered(live, running, question)
        if resumed is not None:
            lane.conversation = resumed[0]
        return resumed
