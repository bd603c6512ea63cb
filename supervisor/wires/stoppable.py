"""uvicorn on sockets that we bind, stopped by a call; the daemon handles signals and logs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn


class StoppableServer(uvicorn.Server):
    """uvicorn that is stopped by an event instead of by signals and polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._stopped = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn raises captured signals again at its end, which would kill the process before the store is closed.
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # 0: renew the Date header
            try:
                async with asyncio.timeout(1.0):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def serving(self, listener: socket.socket) -> asyncio.Task[None]:
        """Serve on a socket in a task of its own; return the task when it does.

        Raises:
            Exception: it could not begin.
        """
        task = asyncio.create_task(self.serve([listener]), name="http server")
        ready = asyncio.create_task(self.ready.wait(), name="http server ready")
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done():
            await task
        return task

    def stop_listening(self) -> None:
        """Close the listening sockets."""
        for server in getattr(self, "servers", ()):
            server.close()

    def stop(self) -> None:
        """Let `serve` return."""
        self.should_exit = True
        self._stopped.set()
