"""Runs a started turn to its end: T2 is committed before, T3 follows, whatever goes wrong between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from supervisor.cluster.outages import wait_out
from supervisor.delivery.hub import Hub
from supervisor.people.rights import Rights
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import BudgetExceeded, StorageError, XswarmError
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.sessions.assistant import Assistant
from supervisor.sessions.lifecycle import MAX_FAILURES
from supervisor.sessions.live import LiveSession
from supervisor.sessions.pool import SessionPool
from supervisor.spending.limits import Scope
from supervisor.spending.spending import Spending
from supervisor.store.records.turn import Turn
from supervisor.turns.binder import TurnBinder
from supervisor.turns.completion import TurnCompletion
from supervisor.turns.driver import TurnDriver
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.outcomes import failure, what_to_do
from supervisor.turns.running.tool_events import ToolEvents
from supervisor.turns.running.turn import BROKE, NOT_BEGUN, Ended, RunningTurn, feed

logger = logging.getLogger(__name__)

GAVE_UP = f"its session failed {MAX_FAILURES} times in a row and does not start again by itself"
"""Added to the failure after which a session needs attention."""

STARTED_AGAIN = "\n\n(started again after a restart)\n\n"
"""What those read who watch an answer arrive that begins anew (docs/chat.md); the answer does not hold it."""

Joining = Callable[[RunningTurn], Awaitable[Sequence[talk.Prompt]]]


class TurnRunner:
    """Runs started turns of Claude Code and of the assistant, and makes sure that each gets an outcome.

    Attributes:
        stopping: the daemon stops: an assistant's turn that does not finish is put back and runs after the restart.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        sessions: SessionPool,
        assistant: Assistant,
        rights: Rights,
        spending: Spending,
        driver: TurnDriver,
        binder: TurnBinder,
        completion: TurnCompletion,
        tools: ToolEvents,
    ) -> None:
        self._hub = hub
        self._sessions = sessions
        self._assistant = assistant
        self._rights = rights
        self._spending = spending
        self._driver = driver
        self._binder = binder
        self._completion = completion
        self._tools = tools
        self.stopping = False

    async def converse(self, lane: Lane, turn: Turn, session: LiveSession, conversation: Conversation) -> None:
        """Run a turn of Claude Code, and the turns that are steered into it."""
        await self._complete(lane, turn, self._talk(lane, turn, session, conversation))

    async def assist(self, lane: Lane, turn: Turn, joining: Joining) -> None:
        """Run a turn of the assistant.

        Args:
            joining: makes messages that came meanwhile part of a running turn, and returns their prompts.
        """
        running: RunningTurn | None = RunningTurn(turn, self._hub, self._tools.recorder(whole=True))
        while running is not None:  # first the turn, then those that joined it too late for the model to read them
            work = self._ask_assistant(lane, running, joining)
            running = await self._complete(lane, running.turn, work, unbegun=running)
            if running is not None:
                lane.state.turn_follows()

    async def _complete(
        self,
        lane: Lane,
        turn: Turn,
        work: Coroutine[Any, Any, RunningTurn | None],
        *,
        unbegun: RunningTurn | None = None,
    ) -> RunningTurn | None:
        """Run a turn, or record why it fails: a started turn without an outcome would block its lane and project.

        Args:
            unbegun: the turn where it ends before it begins; None = it is made of `turn`.

        Returns:
            The turn that runs next in its place; None = there is none.
        """
        error: XswarmError
        lane.started = True
        interrupted = partial(lane.state.interrupts, turn.message_id)
        try:
            refusal = self._rights.refusal(turn.user_id, turn.project)
            reserve = partial(self._spending.reserve, turn)
            refusal = refusal or await wait_out(reserve, turn.message_id, given_up=interrupted)
            if refusal is not None:
                raise refusal
            return await work
        except XswarmError as failed:
            error = failed
        except Exception:
            logger.exception("%s: its turn broke", turn.message_id)
            error = failure(turn, BROKE)
        finally:
            work.close()  # where it was never begun; a task that has ended takes no notice
        if isinstance(error, StorageError) and interrupted():
            return await self._end_unbegun(lane, unbegun or self._with_parts(lane, turn))
        await self._close_overspent(turn, error)
        await self._completion.refuse(turn, error)
        return None

    async def _end_unbegun(self, lane: Lane, running: RunningTurn) -> RunningTurn | None:
        """End a turn that was interrupted while it waited for the database; its interrupters are told at once."""
        lane.begin(running, None)
        running.fail(NOT_BEGUN, interrupted=True)
        lane.tell_interrupters(running)
        await lane.end()
        await self._completion.conclude(running, running.ended.result(), ())
        return await self._conclude_parts(running, running.ended.result())

    def _with_parts(self, lane: Lane, turn: Turn) -> RunningTurn:
        """Return a turn that is about to run, with those that were gathered with it."""
        running = RunningTurn(turn, self._hub, self._tools.recorder())
        running.joined = [RunningTurn(part, self._hub, self._tools.recorder()) for part in turn.gathered]
        return running

    async def _close_overspent(self, turn: Turn, error: XswarmError | None) -> None:
        """Close the session of a turn that reached the session's own limit: only a person connects it again.

        This happens before the waiting caller gets the error, so that its next message finds the session closed.
        """
        if isinstance(error, BudgetExceeded) and error.scope == Scope.SESSION and turn.session_id is not None:
            try:
                await self._sessions.close(turn.session_id, EndReason.BUDGET)
            except StorageError as refused:  # the process is closed; the caller still gets the first error
                logger.error("%s: its end could not be stored: %s", turn.session_id, refused)

    async def _talk(self, lane: Lane, turn: Turn, session: LiveSession, conversation: Conversation) -> None:
        """Run a turn, then one after the other the turns that were steered into it and have not ended with it."""
        running: RunningTurn | None = self._with_parts(lane, session.noted(turn))
        stop = False
        while running is not None:
            session.meter.begin(running.turn.id, running.turn.user_id)
            running.on_end = partial(self._hand_over, session)  # no cycle: the turn is freed where it ends
            binding = await self._binder.bind(session, running)
            current = session.conversation or conversation
            ended = await self._driver.drive(lane, running, current, session.meter, session, stop=stop)
            stop = isinstance(ended, talk.Failed) and ended.interrupted
            goes_on = running.following is not None
            if not goes_on:
                self._binder.unbind(session, well=isinstance(ended, talk.Finished))
            await self._close_overspent(running.turn, running.refused)
            following = await self._conclude(running, ended, session, binding.denied)
            if goes_on and following is None:
                self._binder.unbind(session, well=isinstance(ended, talk.Finished))
            if following is not None:
                lane.state.turn_follows()
            running = following

    @staticmethod
    def _hand_over(session: LiveSession, following: RunningTurn) -> None:
        """Charge the turn that follows in the process for its calls, and hold its tool calls until it has begun."""
        session.decisions.hold()
        session.meter.begin(following.turn.id, following.turn.user_id)

    async def _conclude(
        self, running: RunningTurn, ended: Ended, session: LiveSession, denied: Sequence[str]
    ) -> RunningTurn | None:
        """Record the end of a turn and of the parts that ended with it; return the part that runs on in its place."""
        if isinstance(ended, talk.Failed) and session.lifecycle.status is SessionStatus.ERROR:
            ended = replace(ended, remedy=ended.remedy or f"{GAVE_UP}: {what_to_do(running.turn)}")
        await self._completion.conclude(running, ended, tuple(denied))
        return await self._conclude_parts(running, ended)

    async def _conclude_parts(self, running: RunningTurn, ended: Ended) -> RunningTurn | None:
        """Record the end of the parts that ended with a turn; return the part that runs on in its place."""
        while (part := next(running.parts_ended_with(ended), None)) is not None:
            running.joined.remove(part)
            await self._completion.conclude_part(part, ended, hosts=bool(running.joined))
        if not running.joined:
            return None
        following, *following.joined = running.joined
        return following

    async def _ask_assistant(self, lane: Lane, running: RunningTurn, joining: Joining) -> RunningTurn | None:
        """Run a turn; return the first of those that joined it too late for the model to read them."""
        turn = running.turn
        if turn.attempts:
            running.introduction = STARTED_AGAIN
        given_up = partial(lane.state.interrupts, turn.message_id)
        opened = self._assistant.converse(running, partial(joining, running), given_up)
        async with opened as (conversation, meter):
            meter.begin(turn.id, turn.user_id)
            pump = asyncio.create_task(feed(conversation, running), name=f"assistant {turn.message_id}")
            ended = await self._driver.drive(lane, running, conversation, meter)
            late = running.end_parts()
        await pump
        running.joined += late
        cut_off = self.stopping and isinstance(ended, talk.Failed) and not ended.interrupted
        if cut_off and await self._completion.has_only_read(turn):
            await self._completion.requeue(turn)
            return None
        await self._completion.conclude(running, ended, ())
        return await self._conclude_parts(running, ended)
