"""Turns whose question waits without a process: it is let go, and the work goes on in another one after the answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from typing import Any

from supervisor.approvals.asking import Approvals
from supervisor.approvals.pending import PendingApproval
from supervisor.delivery.replies import quote
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import StorageError
from supervisor.protocol.ports import Conversation
from supervisor.protocol.status import EndReason
from supervisor.sessions.live import LiveSession
from supervisor.sessions.pool import SessionPool
from supervisor.turns.prompts import key_of
from supervisor.turns.running import RunningTurn

logger = logging.getLogger(__name__)

STOPPED = (
    "You had to wait for a person's answer to the call {summary}, and were stopped meanwhile. Your shell is in the "
    "project's folder again, and nothing that it had started still runs."
)
GO_ON = "It is allowed now, once: make exactly the same call again, and go on with your work on the message {quoted}."
GO_ON_WITHOUT = "{reason}. Go on without it with your work on the message {quoted}."


class Suspension:
    """Lets turns rest. For the store and for everybody else such a turn runs: a crash is settled as for any other."""

    def __init__(self, sessions: SessionPool, approvals: Approvals) -> None:
        self._sessions = sessions
        self._approvals = approvals

    async def until_answered(
        self, live: LiveSession, running: RunningTurn, question: PendingApproval
    ) -> tuple[Conversation, talk.Prompt] | None:
        """Close the process of a turn, wait for the answer to its question, and open another one.

        Returns:
            The conversation, and with which prompt the work goes on there; None = the turn ended meanwhile.

        Raises:
            ConnectionFailed: no process could be started.
            StorageError: the answer is not known, or that the work goes on could not be recorded.
        """
        live.sink = None  # the end of this process is not the end of the turn, nor of the session
        live.resting = True
        try:
            await self._sessions.close(live.session.id, EndReason.EVICTED)
        except StorageError as error:
            logger.error("%s: that its process was closed could not be recorded: %s", live.session.id, error)
        live.resting = False
        live.sink = running.on_event
        running.let_go()
        if not live.lifecycle.resumes_by_itself:  # somebody ended the session in the same moment
            running.fail("the session was closed")
        going_on = asyncio.create_task(self._go_on(live, running, question), name=f"resting {live.session.id}")
        try:
            either: list[asyncio.Future[Any]] = [going_on, running.ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._approvals.forget(question)
        if running.ended.done():
            going_on.cancel()
            await asyncio.gather(going_on, return_exceptions=True)
            await self._approvals.abandon(question)
            return None
        if going_on.exception() is not None:  # a yes must not outlive the turn that it was given for
            with contextlib.suppress(StorageError):
                await self._approvals.abandon(question)
        return going_on.result()

    async def _go_on(
        self, live: LiveSession, running: RunningTurn, question: PendingApproval
    ) -> tuple[Conversation, talk.Prompt]:
        verdict, summary, number = await self._approvals.outcome(question)
        running.heard = time.monotonic()
        conversation = await self._sessions.open(live)
        denied = live.denied
        await self._sessions.began(live, running)
        live.denied = denied if verdict.allowed else [*denied, verdict.reason]
        running.turn = turn = replace(running.turn, renamed=number)
        words = GO_ON if verdict.allowed else GO_ON_WITHOUT
        said = words.format(quoted=quote(turn.text), reason=verdict.reason)
        text = f"{STOPPED.format(summary=summary)} {said}"
        return conversation, talk.Prompt(message_id=turn.message_id, text=text, key=key_of(turn))
