"""Group commit: work for one connection, queued by many callers and done in groups, one thread hop per group."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from supervisor.protocol.errors import StorageError
from supervisor.store.threads.worker import Done

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

    def begin(self, function: Callable[[ConnectionT_co], Any], done: Done, /) -> None:
        """Call a function with the connection, in its thread, then `done` in the event loop; returns at once."""


class Groups(Generic[ConnectionT, ContextT]):
    """A queue of work for one connection, done in groups.

    What is queued in the same turn of the event loop, or while a group is being done, shares the next group. The
    cancellation of a caller does not cancel its work.

    It is made of callbacks and has no task, because each message passes here twice.

    Args:
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
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Work[ContextT]] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._halted: Exception | None = None
        self.works = True

    async def do(self, work: Callable[[ContextT], T], orphaned: Callable[[T], None] | None = None) -> T:
        """Do the work, and return its result after the group is done.

        The work is done even if the caller is cancelled meanwhile.

        Args:
            orphaned: called with the result in that case; what it raises is logged.

        Raises:
            StorageError: the store is closed, or the database refused.
        """
        if self._closing:
            raise StorageError("the store is closed", lasts=True)
        if self._halted is not None:
            raise self._halted
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((work, future, orphaned))
        if self._idle.is_set():
            self._idle.clear()
            self._loop.call_soon(self._begin)
        try:
            return await future
        except asyncio.CancelledError:
            # The work is done, but the caller was cancelled before it resumed. If it is not done, `_end` calls.
            if orphaned is not None and not future.cancelled() and future.exception() is None:
                _hand_over(orphaned, future.result())
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
        await self._idle.wait()

    def _begin(self) -> None:
        """Begin the next group; there is none where nothing waits any more."""
        if not self._waiting:
            self._idle.set()
            return
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
        works = [work for work, _, _ in group]
        self._connection.begin(lambda connection: self._run(connection, works), partial(self._end, group))

    def _end(self, group: list[_Work[ContextT]], outcomes: list[Any] | None, error: BaseException | None) -> None:
        """Give the callers of a group their results, and go on with the next one.

        Args:
            outcomes: None = the group failed as a whole, with `error`.
        """
        try:
            if outcomes is None:
                outcomes = self._failed(len(group), error)
            last = outcomes[-1]
            self.works = not isinstance(last, Failed) or not _is_refusal(last)
            for (_, future, orphaned), outcome in zip(group, outcomes, strict=True):
                if future.done():  # its caller was cancelled
                    if orphaned is not None and not isinstance(outcome, Failed):
                        _hand_over(orphaned, outcome)
                elif isinstance(outcome, Failed):
                    future.set_exception(outcome.error)
                else:
                    future.set_result(outcome)
            if self._done is not None:
                self._done()
        finally:
            self._go_on(self._gather_turns if len(group) > 1 else 0)

    def _go_on(self, turns: int) -> None:
        """Begin the next group after some turns of the event loop."""
        if turns:
            self._loop.call_soon(self._go_on, turns - 1)
        else:
            self._begin()

    def _failed(self, count: int, error: BaseException | None) -> list[Any]:
        """Return the outcomes of a group that failed as a whole: the callers get the error."""
        logger.error("a group of %d failed as a whole", count, exc_info=error)
        failure = self._failure(error) if isinstance(error, Exception) else StorageError(repr(error))
        return [Failed(failure) for _ in range(count)]


def _hand_over(orphaned: Callable[[Any], None], result: Any) -> None:
    """Call what takes a result whose caller was cancelled; where it fails, the others of its group go on."""
    try:
        orphaned(result)
    except Exception:
        logger.exception("the result of a cancelled caller was not taken over")


def _is_refusal(outcome: Failed) -> bool:
    """Return whether the disk or the file refused a piece of work; a broken constraint is the fault of the work."""
    if not isinstance(outcome.error, StorageError):
        return False
    kinds = {kind.__name__ for kind in type(outcome.error.__cause__).__mro__}
    return not kinds & _FAULTS_OF_THE_WORK
