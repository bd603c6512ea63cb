"""Open questions about tool calls: which call waits for the answer, and whether its process may be suspended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import SessionId
from supervisor.store.ports.approvals import Approval
from supervisor.store.records.turn import Turn


class PendingApproval:
    """An open question, for whose answer a tool call waits.

    Args:
        approval_id: of its record.
        may_suspend: returns whether the turn does nothing else, so that it can go on in another process.

    Attributes:
        answered: the question was decided, or its turn has ended.
        suspended: the process is closed. The call does not run there any more, whatever the answer is.
        denied: who denied it and why, if the denial came with a note; else empty.
    """

    def __init__(self, approval_id: str, session_id: SessionId, may_suspend: Callable[[], bool]) -> None:
        self.approval_id = approval_id
        self.session_id = session_id
        self.answered = False
        self.suspended = False
        self.denied = ""
        self._may_suspend = may_suspend
        self._hurried = False
        self._woken = asyncio.Event()

    @property
    def may_suspend(self) -> bool:
        """Whether its process could be suspended now."""
        return not self.answered and not self.suspended and self._may_suspend()

    def answer(self) -> None:
        """Wake the waiting call: the question was decided, or its turn has ended."""
        self.answered = True
        self._woken.set()

    def hurry(self) -> bool:
        """Wake the waiting call, once, so that its process is suspended now: others wait for one.

        Returns:
            False where the process may not be suspended, or this was called before.
        """
        if self._hurried or not self.may_suspend:
            return False
        self._hurried = True
        self._woken.set()
        return True

    def suspend(self) -> bool:
        """Mark its process as suspended; False = it may not be suspended any more."""
        self.suspended = self.suspended or self.may_suspend
        return self.suspended

    async def wait(self, seconds: float) -> None:
        """Return when the question is answered, when `hurry` is called, or after some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        if not self.answered:
            self._woken.clear()

    async def gone(self) -> NoReturn:
        """Wait until the end of the process cancels this call."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class PendingApprovals:
    """The open questions of this daemon, oldest first."""

    def __init__(self) -> None:
        self._by_id: dict[str, PendingApproval] = {}

    def add(self, question: PendingApproval) -> None:
        """Add a question."""
        self._by_id[question.approval_id] = question

    def remove(self, approval_id: str) -> None:
        """Remove a question; one that is not there is ignored."""
        self._by_id.pop(approval_id, None)

    def get(self, approval_id: str) -> PendingApproval | None:
        """Return a question by the id of its record; None = no call waits for it."""
        return self._by_id.get(approval_id)

    def all(self) -> list[PendingApproval]:
        """Return every question, oldest first."""
        return list(self._by_id.values())

    def of_session(self, session_id: SessionId) -> list[PendingApproval]:
        """Return the questions of a session, oldest first."""
        return [question for question in self._by_id.values() if question.session_id == session_id]


class AskingTurn(Protocol):
    """The part of a running turn that a question about one of its tool calls needs."""

    turn: Turn

    def may_suspend(self, call: ToolCall) -> bool:
        """Return whether the turn does nothing but wait for one call, which another process can repeat."""

    def asking(self) -> AbstractContextManager[None]:
        """Count the time of a `with` block as time of the person who is asked, not as time of the turn."""

    def ask_to_suspend(self, question: PendingApproval) -> None:
        """Ask the turn's runner to close its process until the question is answered."""


class KeptWork(Protocol):
    """Continues the work of interrupted turns; `intake/resumption.py` implements it."""

    async def refusal(self, approval: Approval) -> str:
        """Return why the work of a kept question cannot continue; empty = it can."""

    async def waits(self, approval: Approval) -> bool:
        """Return whether the turn of a kept question still waits for CONTINUE, RETRY or DROP."""

    async def go_on(self, approval: Approval) -> None:
        """Accept the prompt that continues the work of a question which was allowed.

        Raises:
            StorageError: nothing was accepted.
        """
