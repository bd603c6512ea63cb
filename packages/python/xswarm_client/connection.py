"""A connection that comes back: what may be sent twice is sent again, and nothing runs twice.

A message carries an `external_id`: the daemon answers its repetition with the first answer. A request that only reads
may be repeated too. Any other request whose connection is lost raises `ConnectionLost`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from xswarm_client.errors import ConnectionLost, NotXswarm, Unreachable, XswarmError, of_frame
from xswarm_client.events import Frame
from xswarm_client.link import Link, open_link
from xswarm_client.settings import Settings

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 60.0
"""How long an answer to a request that starts no work may take."""

AWAY_SECONDS = 60.0
"""How long a daemon may be away before waiting requests are given up."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
"""Seconds between two attempts to connect: the first pause doubles up to the longest."""

RESTARTING = frozenset({"unavailable"})
"""Codes of errors that a daemon sends while it stops: nothing was accepted, and the request may be repeated."""

Listener = Callable[[Frame], None]
"""Takes a pushed frame, or `LOST` or `BACK`; it does not block and does not raise."""

LOST: Frame = {"type": "connection_lost"}
BACK: Frame = {"type": "connection_back"}


@dataclass(slots=True)
class _Waiting:
    """A request without an answer."""

    frame: Frame
    repeat: bool
    sent: bool = False
    answer: asyncio.Future[Frame] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Connection:
    """Keeps one connection to the daemon; `async with` opens it.

    Args:
        away_seconds: how long the daemon may be away before waiting requests are given up.

    Raises:
        Unreachable, NotXswarm, NotAuthenticated: on entering.
    """

    def __init__(self, where: Settings, *, away_seconds: float = AWAY_SECONDS) -> None:
        self._where = where
        self._away_seconds = away_seconds
        self._ids = itertools.count(1)
        self._waiting: dict[str, _Waiting] = {}
        self._listeners: dict[Listener, None] = {}
        self._topics: dict[str, None] = {}
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failed: XswarmError | None = None
        self._opening = asyncio.Lock()
        self._resuming: asyncio.Task[None] | None = None
        self.user_id = ""
        self.server = ""

    async def open(self) -> None:
        """Connect; a connection that is lost later is opened again."""
        self._use(await open_link(self._where))
        self._keeper = asyncio.create_task(self._keep(), name="xswarm connection")

    async def close(self) -> None:
        """Close the connection; requests that wait are given up."""
        for task in (self._keeper, self._resuming):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._link is not None:
            await self._link.close()
        self._failed = ConnectionLost("the client was closed", remedy="open another one")
        self._fail(self._failed)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a listener with each pushed frame, until the returned function is called."""
        self._listeners[listener] = None
        return lambda: self._listeners.pop(listener, None)

    async def subscribe(self, *topics: str) -> bool:
        """Subscribe to topics, also after each new connection; False = this daemon does not have them."""
        for topic in topics:
            self._topics[topic] = None
        try:
            await self.request({"type": "subscribe", "topics": list(topics)})
        except XswarmError as error:
            if error.code not in ("unsupported", "invalid_message", "not_allowed"):
                raise
            for topic in topics:
                self._topics.pop(topic, None)
            return False
        return True

    async def unsubscribe(self, *topics: str) -> None:
        """End subscriptions."""
        for topic in topics:
            self._topics.pop(topic, None)
        with contextlib.suppress(XswarmError):
            await self.request({"type": "unsubscribe", "topics": list(topics)})

    async def request(self, frame: Frame, *, repeat: bool = True, timeout: float | None = ANSWER_SECONDS) -> Frame:
        """Send a request and return the frame that answers it.

        Args:
            repeat: it is sent again on a new connection where its answer did not come.
            timeout: in seconds; None = wait as long as it takes.

        Raises:
            ConnectionLost: the connection ended before the answer, and the request must not be repeated.
            Unreachable: the daemon is away for too long, or did not answer in time.
            XswarmError: the daemon refused.
        """
        await self._revive()
        request_id = str(next(self._ids))
        waiting = _Waiting({**frame, "request_id": request_id}, repeat)
        self._waiting[request_id] = waiting
        try:
            async with asyncio.timeout(timeout):
                await self._send(waiting)
                answer = await waiting.answer
        except TimeoutError:
            raise Unreachable(f"no answer to {frame['type']} within {timeout:g} s") from None
        finally:
            del self._waiting[request_id]
        if answer.get("type") == "error":
            raise of_frame(answer)
        return answer

    # -- the connection itself

    async def _revive(self) -> None:
        """Try once more to connect, where the daemon was away for too long.

        Raises:
            XswarmError: it still is, or the client was closed.
        """
        if self._failed is None:
            return
        async with self._opening:
            if self._failed is not None:
                if isinstance(self._failed, ConnectionLost) or not isinstance(self._failed, Unreachable | NotXswarm):
                    raise self._failed
                await self.open()
                self._failed = None
                self._send_again()

    async def _keep(self) -> None:
        """Read the connection; open it again where it is lost."""
        while True:
            assert self._link is not None
            async for frame in self._link.frames():
                self._received(frame)
            self._lost()
            try:
                self._use(await self._reopened())
            except XswarmError as error:
                self._failed = error
                self._fail(error)
                return
            self._tell(BACK)
            asyncio.get_running_loop().call_soon(self._send_again)

    async def _reopened(self) -> Link:
        pause, loop = FIRST_PAUSE, asyncio.get_running_loop()
        deadline = loop.time() + self._away_seconds
        while True:
            try:
                return await open_link(self._where)
            except (Unreachable, NotXswarm):  # xswarm was there before: a proxy may answer while it starts
                if loop.time() + pause > deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _use(self, link: Link) -> None:
        self._link = link
        self.user_id, self.server = link.user_id, link.server

    def _send_again(self) -> None:
        """Subscribe again, and repeat what waits."""
        self._resuming = asyncio.create_task(self._resume(), name="xswarm requests, again")

    async def _resume(self) -> None:
        if self._topics and self._link is not None:
            await self._link.send({"type": "subscribe", "topics": list(self._topics)})
        for waiting in list(self._waiting.values()):
            if not waiting.sent:
                await self._send(waiting)

    async def _send(self, waiting: _Waiting) -> None:
        """Send a request over a connection that is open; without one, it is sent when there is one again."""
        if self._link is not None and not self._link.lost:
            waiting.sent = True
            await self._link.send(waiting.frame)

    def _received(self, frame: Frame) -> None:
        waiting = self._waiting.get(str(frame.get("request_id")))
        if waiting is None:
            self._tell(frame)
        elif frame.get("code") in RESTARTING and waiting.repeat:
            waiting.sent = False  # it is sent again to the daemon that starts
        elif not waiting.answer.done():
            waiting.answer.set_result(frame)

    def _lost(self) -> None:
        """Note that the connection is lost: what was sent and must not be repeated has failed."""
        for waiting in self._waiting.values():
            if waiting.repeat:
                waiting.sent = False
            elif waiting.sent and not waiting.answer.done():
                waiting.answer.set_exception(ConnectionLost("the connection was lost before the answer"))
        self._tell(LOST)

    def _fail(self, error: XswarmError) -> None:
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
        self._tell(LOST)

    def _tell(self, frame: Frame) -> None:
        for listener in list(self._listeners):
            listener(frame)
