"""A connection with a thread of its own, opened again where it was lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from supervisor.store.postgres.connection import PgConnection
from supervisor.store.threads.worker import Done, Worker

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
        self._worker = Worker(name)

    def begin(self, function: Callable[[PgThread], Any], done: Done, /) -> None:
        """Call a function with this thread, in it, then `done` in the event loop; returns at once."""
        self._worker.begin(partial(function, self), done)

    async def run(self, function: Callable[[PgThread], T], /) -> T:
        """Call a function with this thread, in it; it takes the connection by `connection`."""
        return await self._worker.run(partial(function, self))

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
        if self._worker.is_alive:
            await self.run(PgThread._close)
            self._worker.end()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
