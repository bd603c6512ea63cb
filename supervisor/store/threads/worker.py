"""A thread that calls functions for the event loop, one after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

Done = Callable[[Any, BaseException | None], None]
"""Takes the result of a function, or None and what it raised."""


class Worker:
    """A thread, begun at once. A connection has one of its own, because it may be used by one thread only.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # The exit of a process that fails must not wait for it.
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def begin(self, function: Callable[[], Any], done: Done) -> None:
        """Call a function in the thread, then `done` in the event loop; returns at once."""
        loop = asyncio.get_running_loop()

        def call() -> None:
            try:
                result, error = function(), None
            except BaseException as raised:  # noqa: BLE001 (the caller gets it)
                result, error = None, raised
            loop.call_soon_threadsafe(done, result, error)

        self._calls.put(call)

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function in the thread; return its result."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.begin(function, partial(_settle, future))
        return await future

    @property
    def is_alive(self) -> bool:
        """Whether the thread can take calls."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Do what is queued, and end the thread."""
        self._calls.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
