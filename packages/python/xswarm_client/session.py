"""One session of Claude Code: prompts, streams, interrupts."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from xswarm_client.connection import BACK, LOST, Connection
from xswarm_client.errors import TimedOut
from xswarm_client.events import Answer, Event, Frame, HistoryMessage, Reconnected, SessionStatus, read
from xswarm_client.turn import Turn

OnEvent = Callable[[Event], Awaitable[object] | object]
"""Takes each event of an answer, plain or asynchronous."""

INTERRUPT_SECONDS = 10.0
"""How long the interrupt of a turn that nobody waits for may take."""


class Session:
    """A conversation with Claude Code in one folder; `AsyncClient.session` opens it.

    Prompts of one object run one after the other, in the order of their calls.

    Attributes:
        id: of the session.
        resumed: it was there before.
    """

    def __init__(self, connection: Connection, session_id: str, *, resumed: bool) -> None:
        self.id = session_id
        self.resumed = resumed
        self._connection = connection
        self._seen: set[str] = set()
        self._prompting = asyncio.Lock()

    async def ask(
        self,
        prompt: str,
        *,
        context: dict[str, Any] | None = None,
        external_id: str | None = None,
        timeout: float | None = None,
        on_event: OnEvent | None = None,
    ) -> Answer:
        """Send a prompt and return the whole answer.

        Args:
            context: facts for the model, e.g. {"ticket": "A-7"}.
            external_id: names the prompt, so that its repetition, even by another process within 24 h, gets the first
                answer; None = a new one.
            timeout: in seconds; the turn is interrupted then. None = wait as long as it takes.
            on_event: takes the events of the answer as they come.

        Raises:
            TimedOut: there was no answer in time.
            XswarmError: the prompt was refused, or the turn failed.
        """
        try:
            async with asyncio.timeout(timeout):
                async for event in self.stream(prompt, context=context, external_id=external_id):
                    if on_event is not None and inspect.isawaitable(done := on_event(event)):
                        await done
                    if isinstance(event, Answer):
                        return event
        except TimeoutError:
            raise TimedOut(f"no answer within {timeout:g} s") from None
        raise AssertionError("a stream ends with an answer or an error")

    async def stream(
        self, prompt: str, *, context: dict[str, Any] | None = None, external_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """Send a prompt and yield its events as they come; the last one is the `Answer`.

        A caller who leaves the loop early, or is cancelled, interrupts the turn.

        Raises:
            XswarmError: the prompt was refused, or the turn failed.
        """
        external_id = external_id or str(uuid.uuid4())
        frame: Frame = {
            "type": "claude_code_message",
            "session_id": self.id,
            "message": prompt,
            "external_id": external_id,
        }
        if context is not None:
            frame["context"] = context
        async with self._prompting:
            turn = Turn(self.id, external_id, self._seen)
            async with contextlib.aclosing(followed(self._connection, turn, frame)) as events:
                try:
                    async for event in events:
                        yield event
                except (asyncio.CancelledError, GeneratorExit):
                    await self._interrupt_unwatched()
                    raise

    async def interrupt(self) -> bool:
        """Stop the running turn; False = none was running.

        Raises:
            ConnectionLost: it is not known whether it was stopped.
        """
        frame = await self._connection.request({"type": "claude_code_interrupt", "session_id": self.id}, repeat=False)
        return frame.get("message_id") is not None

    async def status(self) -> SessionStatus:
        """Return its state and cost."""
        return read(
            SessionStatus, await self._connection.request({"type": "get_session_status", "session_id": self.id})
        )

    async def history(self, *, limit: int = 50, before: str | None = None) -> list[HistoryMessage]:
        """Return its newest messages, oldest first.

        Args:
            before: only messages before the one with this id.
        """
        frame: Frame = {"type": "get_history", "session_id": self.id, "limit": limit}
        if before is not None:
            frame["before"] = before
        found = await self._connection.request(frame)
        return [read(HistoryMessage, message) for message in found.get("messages", [])]

    async def close(self) -> None:
        """End the session on the daemon: its process ends, its history stays."""
        await self._connection.unsubscribe(f"session:{self.id}")
        await self._connection.request({"type": "claude_code_disconnect", "session_id": self.id}, repeat=False)

    async def _interrupt_unwatched(self) -> None:
        """Interrupt the turn of a caller who is gone, while the caller's own cancellation waits."""
        frame: Frame = {"type": "claude_code_interrupt", "session_id": self.id}
        stop = asyncio.create_task(self._connection.request(frame, repeat=False, timeout=INTERRUPT_SECONDS))
        with contextlib.suppress(Exception):
            await asyncio.shield(stop)


async def followed(connection: Connection, turn: Turn, frame: Frame) -> AsyncGenerator[Event, None]:
    """Send a prompt and yield its events; the last one is the `Answer`.

    Raises:
        XswarmError: the prompt was refused, or the turn failed.
    """
    pushed: asyncio.Queue[Frame | None] = asyncio.Queue()
    stop = connection.listen(pushed.put_nowait)
    asking = asyncio.create_task(connection.request(frame, timeout=None), name="xswarm prompt")
    asking.add_done_callback(lambda _: pushed.put_nowait(None))
    lost = False
    try:
        while (got := await pushed.get()) is not None:
            if got is LOST:
                lost = True
            elif got is BACK:
                if lost:
                    lost = False
                    yield Reconnected()
            elif (event := turn.event(got)) is not None:
                yield event
        answer = read(Answer, await asking)
        turn.ended(answer.message_id)
        yield answer
    finally:
        stop()
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await asking
