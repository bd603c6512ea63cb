"""The connection of one session to the remote: sends prompts, receives answers, reconnects."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.protocol import State

from connectors.remote.backoff import Backoff
from connectors.remote.dialler import Dialler, Refused
from connectors.remote.frames import Answer, BadFrame, encode_prompt, parse_answer
from supervisor.protocol.conversation import (
    ConversationEvent,
    Exited,
    Failed,
    Finished,
    Prompt,
    TextDelta,
    Tokens,
    UsageReported,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.ports.connector import Conversation

logger = logging.getLogger(__name__)

CLOSED = "the conversation was closed"
MODEL = "remote"
"""Stands for the model in usage reports: the remote does not name its model."""


@dataclass(slots=True)
class _Turn:
    """A prompt that has no outcome yet.

    Attributes:
        sent: it may have reached the remote, so it is never sent again.
        ended: it has its outcome.
        refusal: why it cannot be sent; empty = it is sent as soon as there is a connection.
        news: set when the connection is restored or given up, and when the turn has ended.
    """

    prompt: Prompt
    watchdog: asyncio.TimerHandle
    sent: bool = False
    ended: bool = False
    refusal: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)


class RemoteConversation(Conversation):
    """Keeps one connection to the remote and restores it when it is lost.

    A prompt that comes while the connection is lost makes the next attempt to restore it begin at once. It waits for
    the result, and is refused where the attempt fails.

    Args:
        turn_timeout: seconds from a prompt to its answer.
    """

    def __init__(
        self,
        session_id: SessionId,
        dialler: Dialler,
        connection: ClientConnection,
        *,
        backoff: Backoff,
        turn_timeout: float,
    ) -> None:
        self._session_id = session_id
        self._dialler = dialler
        self._connection: ClientConnection | None = connection
        self._backoff = backoff
        self._turn_timeout = turn_timeout
        self._events: asyncio.Queue[ConversationEvent] = asyncio.Queue()
        self._turns: dict[MessageId, _Turn] = {}  # oldest first
        self._wanted = asyncio.Event()  # a prompt waits for the connection
        self._over: str | None = None  # why the conversation has ended; None while it lasts
        self._closing = asyncio.Lock()
        self._link = asyncio.create_task(self._keep_linked(connection), name=f"remote session {session_id}")

    async def prompt(self, prompt: Prompt) -> None:
        frame = encode_prompt(self._session_id, prompt, datetime.now(UTC))
        watchdog = asyncio.get_running_loop().call_later(self._turn_timeout, self._expire, prompt.message_id)
        turn = _Turn(prompt, watchdog)
        self._turns[prompt.message_id] = turn
        try:
            while not turn.ended:
                if self._over is not None:
                    raise ConnectionFailed(self._over)
                if turn.refusal:
                    raise ConnectionFailed(turn.refusal, "send it again later")
                turn.news.clear()
                connection = self._connection
                if connection is None or connection.state is not State.OPEN:
                    self._wanted.set()
                    await turn.news.wait()
                    continue
                turn.sent = True
                # Part of the frame may have been sent: the reading task sees the loss too, and fails the sent turns.
                with contextlib.suppress(ConnectionClosed):
                    await connection.send(frame)
                return
        finally:
            if not turn.sent and not turn.ended:
                self._forget(turn)

    async def interrupt(self) -> None:
        # The protocol has no interrupt: the remote may go on, but its answer will be ignored.
        if self._turns:
            turn = next(iter(self._turns.values()))
            self._end(turn, Failed(message_id=turn.prompt.message_id, why="stopped on request", interrupted=True))

    async def freeze(self) -> bool:
        return False  # it runs on another machine

    async def close(self) -> None:
        async with self._closing:
            self._link.cancel()
            await asyncio.wait({self._link})
            if self._connection is not None:
                await self._connection.close()
                self._connection = None
            self._finish("")

    async def events(self) -> AsyncIterator[ConversationEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Exited):
                return

    async def _keep_linked(self, connection: ClientConnection) -> None:
        """Read until the connection is given up, then end the conversation."""
        try:
            self._finish(await self._link_until_given_up(connection))
        except Exception:
            logger.exception("%s: the link to the remote broke", self._session_id)
            self._finish("the link to the remote Claude Code failed; the operator finds the details in the log")

    async def _link_until_given_up(self, connection: ClientConnection) -> str:
        """Read, and restore the connection whenever it is lost; return why the retries ended."""
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            since = clock()
            reason = await self._read(connection)
            self._connection = None
            self._lost(reason)
            if clock() - since >= self._backoff.most:
                attempt = 0
            restored: ClientConnection | None = None
            while restored is None:
                if attempt >= self._backoff.tries:
                    return f"the connection to the remote Claude Code was lost and could not be restored ({reason})"
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._backoff.delay(attempt)):
                        await self._wanted.wait()
                self._wanted.clear()
                waiting = list(self._turns.values())
                attempt += not waiting  # an attempt for a person does not use up the others
                try:
                    restored = await self._dialler.dial()
                except Refused as error:
                    return error.why
                except ConnectionFailed as error:
                    reason = error.why
                    self._refuse(waiting, reason)
            logger.info("%s: connection to the remote restored", self._session_id)
            connection = self._connection = restored
            self._tell_waiting()

    async def _read(self, connection: ClientConnection) -> str:
        """Read answers until the connection is lost; return why it was."""
        try:
            while True:
                self._receive(await connection.recv())
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
                return "an answer was too large"
            if closed.rcvd is not None:
                return f"the remote closed it with code {closed.rcvd.code}"
            return "it broke off"

    def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            logger.warning("%s: ignored a binary frame of %d bytes", self._session_id, len(frame))
            return
        try:
            answer = parse_answer(frame)
        except BadFrame as error:
            logger.warning("%s: ignored a frame: %s", self._session_id, error)
            return
        turn = self._turns.get(MessageId(answer.message_id))
        if turn is None or not turn.sent:
            # This may be the late answer to an interrupted turn; its cost belongs to no turn, so it is only logged.
            logger.warning(
                "%s: ignored an answer to %.64r, which is not in flight (cost in nanodollars: %s)",
                self._session_id,
                answer.message_id,
                answer.cost_nanos,
            )
            return
        self._answered(turn, answer)

    def _answered(self, turn: _Turn, answer: Answer) -> None:
        message_id = turn.prompt.message_id
        if not answer.failure:
            self._events.put_nowait(TextDelta(text=answer.content))
        self._events.put_nowait(
            UsageReported(model=MODEL, tokens=Tokens(), provider_nanos=answer.cost_nanos, authoritative=True)
        )
        if answer.failure:
            self._end(turn, Failed(message_id=message_id, why=answer.failure))
        else:
            self._end(turn, Finished(message_id=message_id, text=answer.content))

    def _expire(self, message_id: MessageId) -> None:
        if turn := self._turns.get(message_id):
            within = f"within {self._turn_timeout:g} seconds"
            why = f"the remote Claude Code did not answer {within}; it may still be at work"
            if not turn.sent:
                why = f"the remote Claude Code could not be reached {within}; the message was not sent"
            self._end(turn, Failed(message_id=message_id, why=why, timed_out=True))

    def _lost(self, reason: str) -> None:
        """Fail the turns in flight: they may have run, so none is sent again."""
        logger.warning("%s: connection to the remote lost: %s", self._session_id, reason)
        why = f"the connection to the remote Claude Code was lost ({reason}); the request may have run there"
        for turn in [turn for turn in self._turns.values() if turn.sent]:
            self._end(turn, Failed(message_id=turn.prompt.message_id, why=why))

    @staticmethod
    def _refuse(waiting: Sequence[_Turn], reason: str) -> None:
        """Refuse the prompts that waited for an attempt which failed: they were certainly not sent."""
        for turn in waiting:
            turn.refusal = f"{reason}; the message was not sent"
            turn.news.set()

    def _finish(self, why: str) -> None:
        """End the conversation; a second call does nothing.

        Args:
            why: a sentence for a person; empty where the conversation was closed on request.
        """
        if self._over is not None:
            return
        self._over = why or CLOSED
        for turn in [turn for turn in self._turns.values() if turn.sent]:
            self._end(turn, Failed(message_id=turn.prompt.message_id, why=self._over, interrupted=not why))
        self._tell_waiting()
        self._events.put_nowait(Exited(why=why))

    def _tell_waiting(self) -> None:
        for turn in self._turns.values():
            turn.news.set()

    def _end(self, turn: _Turn, outcome: Finished | Failed) -> None:
        self._forget(turn)
        turn.ended = True
        turn.news.set()
        self._events.put_nowait(outcome)

    def _forget(self, turn: _Turn) -> None:
        turn.watchdog.cancel()
        del self._turns[turn.prompt.message_id]
