"""A question about a tool call while it is open: who waits for its answer, and whether that is worth a process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import SessionId
from supervisor.store.records.turn import Turn


class PendingApproval:
    """An open question.

    Args:
        approval_id: of its record.
        may_rest: whether its turn does nothing else, and goes on where it stopped when it has lost its process.

    Attributes:
        answered: it was decided, or its turn is over.
        resting: its process is let go: what it asked about is not run there any more, whatever is answered.
        denied: by whom and why, where a no came with a note; else empty.
    """

    def __init__(self, approval_id: str, session_id: SessionId, may_rest: Callable[[], bool]) -> None:
        self.approval_id = approval_id
        self.session_id = session_id
        self.answered = False
        self.resting = False
        self.denied = ""
        self._may_rest = may_rest
        self._hurried = False
        self._woken = asyncio.Event()

    @property
    def may_rest(self) -> bool:
        """Whether its process could be let go now."""
        return not self.answered and not self.resting and self._may_rest()

    def answer(self) -> None:
        """Say that it was decided, or that its turn is over."""
        self.answered = True
        self._woken.set()

    def hurry(self) -> bool:
        """Say, once, that others want its process; False = it may not rest, or was told before."""
        if self._hurried or not self.may_rest:
            return False
        self._hurried = True
        self._woken.set()
        return True

    def rest(self) -> bool:
        """Let its process go; False = it may not rest any more."""
        self.resting = self.resting or self.may_rest
        return self.resting

    async def wait(self, seconds: float) -> None:
        """Return when it is answered, when others want its process, or after some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        if not self.answered:
            self._woken.clear()

    async def gone(self) -> NoReturn:
        """Wait for the end of the process that made the call: it cancels this."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class AskingTurn(Protocol):
    """A running turn, as far as a question about one of its tool calls needs it."""

    turn: Turn

    def may_rest(self, call: ToolCall) -> bool:
        """Return whether the turn does nothing but wait for one call, which another process may make again."""

    def asking(self) -> AbstractContextManager[None]:
        """Count the time of a `with` block as that of a person who is asked, not as the turn's."""

    def ask_to_rest(self, question: PendingApproval) -> None:
        """Ask whoever runs the turn to close its process until the question is answered."""
