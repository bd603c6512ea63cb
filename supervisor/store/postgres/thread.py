"""A connection with a thread of its own, opened again where it was lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from supervisor.store.postgres.connection import PgConnection

T = TypeVar("T")


class PgThread:
    """Runs functions with one connection, in one thread, in the order of the calls.

    Args:
        name: of the thread, and of the connection at the server.
        opened: opens the connection, or raises.
    """

    def __init__(self, name: str, opened: Callable[[str], PgConnection]) -> None:
        self._name = name
        self._opened = opened
        self._connection: PgConnection | None = None
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # The exit of a process that fails must not wait for it.
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[PgThread], T], /) -> T:
        """Call a function with this thread, in it; it takes the connection by `connection`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def call() -> None:
            try:
                result, error = function(self), None
            except BaseException as raised:  # noqa: BLE001 (the caller gets it)
                result, error = None, raised
            loop.call_soon_threadsafe(_settle, future, result, error)

        self._calls.put(call)
        return await future

    def connection(self) -> PgConnection:
        """Return the connection; open it first where there is none, or where it was lost.

        Raises:
            psycopg.Error: the server cannot be reached, or refuses.
        """
        if self._connection is None or self._connection.closed:
            self._connection = self._opened(self._name)
        return self._connection

    def prepare(self, prepare: Callable[[PgConnection], None]) -> None:
        """Prepare the connection, and from now on each that takes its place.

        Raises:
            psycopg.Error: the server cannot be reached, or refuses.
        """
        opened = self._opened

        def prepared(name: str) -> PgConnection:
            connection = opened(name)
            try:
                prepare(connection)
            except BaseException:
                connection.close()
                raise
            return connection

        prepare(self.connection())
        self._opened = prepared

    def cancel(self) -> None:
        """Ask the server to end the statement that runs; called from another thread."""
        if self._connection is not None:
            self._connection.cancel()

    async def close(self) -> None:
        """Close the connection and end the thread. May be called twice."""
        if self._thread.is_alive():
            await self.run(PgThread._close)
            self._calls.put(None)
            self._thread.join()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()

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
