"""Wakes the parts of this node when another node has done something, and has them look now and then anyhow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from supervisor.protocol.errors import StorageError
from supervisor.runtime.logs import Outage
from supervisor.store.ports.cluster.notices import Notice, Notices, Topic

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often everything is looked at, because a notice may be lost, in seconds."""

Look = Callable[[Collection[str] | None], Awaitable[None]]
"""Looks in the store for what notices named; None = for everything, as some may have been missed."""


class Wakeups:
    """Calls who waits for other nodes; one call at a time for each topic.

    Args:
        notices: of other nodes; None = there are none, and nobody is ever called.
        seconds: see `LOOK_SECONDS`.
    """

    def __init__(self, notices: Notices | None, *, seconds: float = LOOK_SECONDS) -> None:
        self._notices = notices
        self._seconds = seconds
        self._topics: dict[Topic, _Watch] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def has_others(self) -> bool:
        """Whether other nodes may use the database."""
        return self._notices is not None

    def on(self, topic: Topic, look: Look) -> None:
        """Call `look` for the notices of a topic; before `start`."""
        self._topics[topic] = _Watch(topic, look)

    def start(self) -> None:
        """Begin to listen and to look."""
        if self._notices is None:
            return
        for watch in self._topics.values():
            self._tasks.append(asyncio.create_task(watch.run(self._seconds), name=f"notices about {watch.topic}"))
        self._notices.listen(self._hear)

    async def aclose(self) -> None:
        """Stop to look; without effect where nothing was started."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, notice: Notice | None) -> None:
        if notice is None:
            for watch in self._topics.values():
                watch.missed()
        elif (watch_ := self._topics.get(notice.topic)) is not None:
            watch_.heard(notice.value)


class _Watch:
    """The notices of one topic."""

    def __init__(self, topic: Topic, look: Look) -> None:
        self.topic = topic
        self._look = look
        self._values: set[str] | None = None
        self._outage = Outage(logger)
        self._woken = asyncio.Event()

    def heard(self, value: str) -> None:
        """Look for one of them soon."""
        if self._woken.is_set():
            if self._values is not None:  # else everything is looked for
                self._values.add(value)
        else:
            self._values = {value}
        self._woken.set()

    def missed(self) -> None:
        """Look for everything soon."""
        self._values = None
        self._woken.set()

    async def run(self, seconds: float) -> None:
        """Look whenever something was heard, and for everything in each such interval, in seconds."""
        clock = asyncio.get_running_loop().time
        due = clock() + seconds
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._woken.wait()
            values = self._values if self._woken.is_set() and clock() < due else None
            self._woken.clear()
            if values is None:
                due = clock() + seconds
            try:
                await self._look(values)
                self._outage.works("%s: other nodes are followed again", self.topic)
            except StorageError as error:
                self._outage.failed("%s: other nodes cannot be followed: %s", self.topic, error)
                self.missed()
                await asyncio.sleep(min(1.0, seconds))
            except Exception:  # the next look may succeed, and the task must live on
                logger.exception("%s: a look failed", self.topic)
