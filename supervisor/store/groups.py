"""Group commit: work for one connection, queued by many callers and done in groups, one thread hop per group."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from supervisor.protocol.errors import StorageError

logger = logging.getLogger(__name__)

T = TypeVar("T")
ContextT = TypeVar("ContextT")
ConnectionT = TypeVar("ConnectionT")
ConnectionT_co = TypeVar("ConnectionT_co", covariant=True)

MAX_GROUP = 512
"""Most pieces of work in one group: about 30 ms of work."""


_FAULTS_OF_THE_WORK = {"IntegrityError", "ProgrammingError"}
"""Errors of every engine have these names (PEP 249)."""


class Failed:
    """The outcome of a piece of work that raised an error."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


_Work = tuple[Callable[[ContextT], Any], asyncio.Future[Any], Callable[[Any], None] | None]


class Thread(Protocol[ConnectionT_co]):
    """A connection with a thread of its own."""

    async def run(self, function: Callable[[ConnectionT_co], T], /) -> T:
        """Call a function with the connection, in its thread."""


class Groups(Generic[ConnectionT, ContextT]):
    """A queue of work for one connection, and the task that does it in groups.

    The cancellation of a caller does not cancel its work.

    Args:
        name: of the task.
        run: does a group in the connection's thread; returns an outcome per piece of work, `Failed` where it raised.
        failure: makes the error for the caller from one of the engine.
        most: pieces of work in one group.
        gather_turns: turns of the event loop to wait after a group of several, so that the next group grows.
        done: called in the event loop after each group, when its callers have their results; it must not raise.

    Attributes:
        works: whether the last piece of work was done; False = the disk or the file refused it.
    """

    def __init__(
        self,
        name: str,
        connection: Thread[ConnectionT],
        run: Callable[[ConnectionT, list[Callable[[ContextT], Any]]], list[Any]],
        *,
        failure: Callable[[Exception], Exception],
        most: int = MAX_GROUP,
        gather_turns: int = 0,
        done: Callable[[], None] | None = None,
    ) -> None:
        self._connection = connection
        self._run = run
        self._failure = failure
        self._most = most
        self._gather_turns = gather_turns
        self._done = done
        self._waiting: deque[_Work[ContextT]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._halted: Exception | None = None
        self.works = True
        self._task = asyncio.create_task(self._work(), name=name)

    async def do(self, work: Callable[[ContextT], T], orphaned: Callable[[T], None] | None = None) -> T:
        """Do the work, and return its result after the group is done.

        The work is done even if the caller is cancelled meanwhile.

        Args:
            orphaned: called with the result in that case.

        Raises:
            StorageError: the store is closed, or the database refused.
        """
        if self._closing:
            raise StorageError("the store is closed", lasts=True)
        if self._halted is not None:
            raise self._halted
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future, orphaned))
        self._wake.set()
        try:
            return await future
        except asyncio.CancelledError:
            # The work is done, but the caller was cancelled before it resumed. If it is not done, `_work` calls.
            if orphaned is not None and not future.cancelled() and future.exception() is None:
                orphaned(future.result())
            raise

    def halt(self, error: Exception | None) -> None:
        """Refuse queued and new work with an error while a group is being done, which may take long; None = go on."""
        self._halted = error
        while error is not None and self._waiting:
            _, future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)

    async def close(self) -> None:
        """Finish the queued work."""
        self._closing = True
        self._wake.set()
        await self._task

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
            outcomes = await self._outcomes([work for work, _, _ in group])
            last = outcomes[-1]
            self.works = not isinstance(last, Failed) or not _is_refusal(last)
            for (_, future, orphaned), outcome in zip(group, outcomes, strict=True):
                if future.done():  # its caller was cancelled
                    if orphaned is not None and not isinstance(outcome, Failed):
                        orphaned(outcome)
                elif isinstance(outcome, Failed):
                    future.set_exception(outcome.error)
                else:
                    future.set_result(outcome)
            if self._done is not None:
                self._done()
            if len(group) > 1:
                for _ in range(self._gather_turns):
                    await asyncio.sleep(0)

    async def _outcomes(self, works: list[Callable[[ContextT], Any]]) -> list[Any]:
        try:
            return await self._connection.run(lambda connection: self._run(connection, works))
        except Exception as error:  # the task must go on; the callers get the error
            logger.exception("a group of %d failed as a whole", len(works))
            return [Failed(self._failure(error)) for _ in works]


def _is_refusal(outcome: Failed) -> bool:
    """Return whether the disk or the file refused a piece of work; a broken constraint is the fault of the work."""
    if not isinstance(outcome.error, StorageError):
        return False
    kinds = {kind.__name__ for kind in type(outcome.error.__cause__).__mro__}
    return not kinds & _FAULTS_OF_THE_WORK
