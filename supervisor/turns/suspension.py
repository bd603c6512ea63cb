"""Suspends turns whose question waits long: their process is closed, and they resume in another one when answered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from functools import partial
from typing import Any

from supervisor.approvals.asking import Approvals
from supervisor.approvals.pending import PendingApproval
from supervisor.cluster.outages import wait_out
from supervisor.delivery.replies import quote
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import StorageError
from supervisor.protocol.ports.connector import Conversation
from supervisor.sessions.live import LiveSession
from supervisor.sessions.pool import SessionPool
from supervisor.turns.binder import TurnBinder
from supervisor.turns.prompts import key_of
from supervisor.turns.running.turn import RunningTurn

logger = logging.getLogger(__name__)

STOPPED = (
    "You had to wait for a person's answer to the call {summary}, and were stopped meanwhile. Your shell is in the "
    "project's folder again, and nothing that it had started still runs."
)
"""Beginning of the prompt with which a suspended turn resumes."""

GO_ON = "It is allowed now, once: make exactly the same call again, and go on with your work on the message {quoted}."
"""End of that prompt after a yes."""

GO_ON_WITHOUT = "{reason}. Go on without it with your work on the message {quoted}."
"""End of that prompt after a no, or without an answer."""


class Suspension:
    """Suspends turns: closes the process while a question waits, and resumes the turn in another process.

    For the store and for every caller a suspended turn is running: a crash is settled as for any other turn.
    """

    def __init__(self, sessions: SessionPool, approvals: Approvals, binder: TurnBinder) -> None:
        self._sessions = sessions
        self._approvals = approvals
        self._binder = binder

    async def until_answered(
        self, session: LiveSession, running: RunningTurn, question: PendingApproval
    ) -> tuple[Conversation, talk.Prompt] | None:
        """Close the process of a turn, wait for the answer to its question, and open another process.

        Returns:
            The new conversation, and the prompt with which the turn resumes there; None = the turn ended meanwhile.

        Raises:
            ConnectionFailed: no process could be started.
            StorageError: the answer could not be read, or the resumption could not be stored.
        """
        try:
            await self._sessions.suspend(session)
        except StorageError as error:
            logger.error("%s: that its process was closed could not be recorded: %s", session.id, error)
        running.process_closed()
        if not session.lifecycle.resumes_by_itself:  # somebody ended the session at the same moment
            running.fail("the session was closed")
        resuming = asyncio.create_task(self._resume(session, running, question), name=f"suspended {session.id}")
        try:
            either: list[asyncio.Future[Any]] = [resuming, running.ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._approvals.forget(question)
        if running.ended.done():
            resuming.cancel()
            await asyncio.gather(resuming, return_exceptions=True)
            await self._approvals.abandon(question)
            return None
        if resuming.exception() is not None:  # an approval must not outlive the turn that it was given for
            with contextlib.suppress(StorageError):
                await self._approvals.abandon(question)
        return resuming.result()

    async def _resume(
        self, session: LiveSession, running: RunningTurn, question: PendingApproval
    ) -> tuple[Conversation, talk.Prompt]:
        """Wait for the answer, then open a process and return it with the prompt that tells the model the answer."""
        verdict, summary, number = await self._approvals.outcome(question)
        running.clock.hear()
        conversation = await wait_out(partial(self._sessions.open, session), session.id)
        binding = await self._binder.resume(session)
        if not verdict.allowed:
            verdict = await session.decisions.told(verdict, summary)
            binding.denied.append(verdict.reason)
        running.turn = turn = replace(running.turn, renamed=number)
        words = GO_ON if verdict.allowed else GO_ON_WITHOUT
        answer = words.format(quoted=quote(turn.text), reason=verdict.reason)
        text = f"{STOPPED.format(summary=summary)} {answer}"
        return conversation, talk.Prompt(message_id=turn.message_id, text=text, key=key_of(turn))
