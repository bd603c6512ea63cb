"""The heartbeat of the event loop: once a second it measures how late the loop is, and tells who wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

BEAT_SECONDS = 1.0
"""Pause between two beats, in seconds."""

Listener = Callable[[float], None]
"""Gets how late the loop was, in seconds. It is quick, and does not raise."""


class Heartbeat:
    """Beats as long as the event loop turns; whoever hears nothing knows that it hangs.

    Args:
        seconds: see `BEAT_SECONDS`.
    """

    def __init__(self, seconds: float = BEAT_SECONDS) -> None:
        self._seconds = seconds
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None

    def listen(self, listener: Listener) -> None:
        """Call a listener at each beat."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def aclose(self) -> None:
        """End it. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._seconds
            await asyncio.sleep(self._seconds)
            late = max(0.0, loop.time() - due)
            for listener in self._listeners:
                listener(late)
