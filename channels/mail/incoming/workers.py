"""Threads of the mail channel's own for work on the content of mails.

The default threads of asyncio serve approvals and checkpoints too: mail must not be able to occupy them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from supervisor.protocol.errors import TemporaryFailure

T = TypeVar("T")

THREADS = 2
"""Mails that are worked on at the same time."""

SECONDS = 30.0
"""The longest time for one piece of work, the wait for a thread included."""


class MailWorkers:
    """A few threads. They are started when they are needed, and end with the process.

    Args:
        seconds: the longest time for one piece of work.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mail")
        self._seconds = seconds

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Return the result of `work(*arguments)`.

        Raises:
            TemporaryFailure: the work took too long. A thread cannot be stopped, so it goes on, and its result is lost.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except TimeoutError as error:
            raise TemporaryFailure(f"it could not be read within {self._seconds:.0f} seconds") from error
