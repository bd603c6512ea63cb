"""One node at the other end of a link that stands: events both ways, acts and their results."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from supervisor.cluster.link import frames
from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import NodeUnreachable, RefusedThere
from supervisor.cluster.link.seal import NotOurs, Seal
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.events import AnyEvent
from supervisor.runtime.tasks import TaskSet

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Frames that may wait for a slow node. With one more the link is closed: live events are hints, and a new link begins
with what is wanted then."""


TO_END_SECONDS = 30.0
"""How long acts may go on whose link has ended, in seconds."""


class EventHub(Protocol):
    """What a link needs of the hub of its node."""

    def topics(self) -> Iterable[str]:
        """Return the topics that somebody on this node wants."""
        ...

    def relay(self, topic: str, deliver: Callable[[AnyEvent, tuple[str, ...]], None]) -> None:
        """Pass the events of a topic on to another node."""
        ...

    def unrelay(self, topic: str, deliver: Callable[[AnyEvent, tuple[str, ...]], None]) -> None:
        """Stop that."""
        ...

    def deliver(self, event: AnyEvent, topics: Iterable[str]) -> None:
        """Deliver an event of another node to the subscribers on this one."""
        ...


class Peer:
    """The link to one node while its connection stands.

    Args:
        name: of the other node.
        acts: what it may ask for.
    """

    def __init__(self, name: str, release: str, connection: Connection, seal: Seal, hub: EventHub, acts: Acts) -> None:
        self.name = name
        self.release = release
        self._connection = connection
        self._seal = seal
        self._hub = hub
        self._acts = acts
        self._outgoing: asyncio.Queue[frames.Frame] = asyncio.Queue(MOST_WAITING)
        self._relayed: set[str] = set()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._doing: dict[int, asyncio.Task[None]] = {}
        self._tasks = TaskSet()
        self._ended = False

    async def serve(self) -> None:
        """Serve the connection until it ends, for whatever reason."""
        self.want(self._hub.topics(), only=True)
        writing = asyncio.create_task(self._write(), name=f"write to node {self.name}")
        try:
            async for message in self._connection:
                if isinstance(message, bytes):
                    self._take(frames.decode(self._seal.open(message)))
        except (NotOurs, frames.BadFrame) as error:
            logger.warning("node %s: the link is closed: %s", self.name, error)
        except ConnectionClosed:
            pass
        finally:
            self._ended = True
            for topic in self._relayed:
                self._hub.unrelay(topic, self._pass_on)
            for future in self._asked.values():
                if not future.done():
                    future.set_exception(NodeUnreachable(self.name))
            self.hang_up()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def aclose(self) -> None:
        """Let the acts end that the other node began; after `serve`.

        Nobody hears of them any longer, but what was begun is done: the store tells what came of it.
        """
        await self._tasks.aclose(TO_END_SECONDS)

    async def call(self, name: str, given: dict[str, Any]) -> Any:
        """Ask the other node for an act; return its result.

        Raises:
            NodeUnreachable: the link ended before the answer came: the act may have been done or not.
            XswarmError: the other node has refused it.
        """
        if self._ended:
            raise NodeUnreachable(self.name)
        self._number += 1
        number = self._number
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self._send(frames.Act(number=number, name=name, given=self._acts.pack(name, given)))
            return self._acts.unpack(name, await future)
        except asyncio.CancelledError:
            self._send(frames.Cancelled(number=number))
            raise
        finally:
            del self._asked[number]

    def want(self, topics: Iterable[str], *, only: bool = False) -> None:
        """Tell the other node what somebody here wants from now on."""
        self._send(frames.Want(topics=tuple(topics), only=only))

    def unwant(self, topics: Iterable[str]) -> None:
        """Tell the other node what nobody here wants any longer."""
        self._send(frames.Unwant(topics=tuple(topics)))

    def hang_up(self) -> None:
        """End the connection; `serve` returns."""
        self._connection.transport.abort()

    def _send(self, frame: frames.Frame) -> None:
        try:
            self._outgoing.put_nowait(frame)
        except asyncio.QueueFull:
            logger.warning("node %s: it reads too slowly, the link begins anew", self.name)
            self.hang_up()

    async def _write(self) -> None:
        try:
            while True:
                frame = await self._outgoing.get()
                await self._connection.send(self._seal.close(frames.encode(frame)))
        except ConnectionClosed:
            pass

    def _take(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Want():
                self._relay(frame.topics, only=frame.only)
            case frames.Unwant():
                for topic in self._relayed & set(frame.topics):
                    self._relayed.discard(topic)
                    self._hub.unrelay(topic, self._pass_on)
            case frames.Live():
                self._deliver(frame)
            case frames.Act():
                task = asyncio.create_task(self._carry_out(frame), name=f"{frame.name} for node {self.name}")
                self._doing[frame.number] = task
                self._tasks.adopt(task)
            case frames.Cancelled():
                if (doing := self._doing.get(frame.number)) is not None:
                    doing.cancel()
            case frames.Done():
                if (future := self._asked.get(frame.number)) is not None and not future.done():
                    future.set_result(frame.result)
            case frames.Refused():
                if (future := self._asked.get(frame.number)) is not None and not future.done():
                    future.set_exception(RefusedThere(frame.code, frame.why, frame.remedy, frame.retry_after))

    def _relay(self, topics: Iterable[str], *, only: bool) -> None:
        wanted = set(topics)
        for topic in self._relayed - wanted if only else ():
            self._hub.unrelay(topic, self._pass_on)
        for topic in wanted - self._relayed:
            self._hub.relay(topic, self._pass_on)
        self._relayed = wanted if only else self._relayed | wanted

    def _pass_on(self, event: AnyEvent, topics: tuple[str, ...]) -> None:
        self._send(frames.Live(topics=topics, event=frames.event_as_dict(event)))

    def _deliver(self, frame: frames.Live) -> None:
        try:
            event = frames.event_of(frame.event)
        except frames.BadFrame as error:
            logger.info("node %s: %s", self.name, error)
            return
        self._hub.deliver(event, frame.topics)

    async def _carry_out(self, act: frames.Act) -> None:
        try:
            result = await self._acts.carry_out(act.name, act.given)
        except XswarmError as error:
            self._send(
                frames.Refused(
                    number=act.number,
                    code=error.code,
                    why=str(error),
                    remedy=error.remedy,
                    retry_after=error.retry_after,
                )
            )
        else:
            self._send(frames.Done(number=act.number, result=result))
        finally:
            self._doing.pop(act.number, None)
