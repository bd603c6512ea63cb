"""Child tasks that are restarted with back-off when they fail; a child that keeps failing is given up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

from supervisor.protocol.errors import ConfigError, TemporaryFailure

logger = logging.getLogger(__name__)

Run = Callable[[Callable[[], None]], Awaitable[None]]
"""The body of a child: serves until it is cancelled, and calls its argument once it is ready."""


class Health(StrEnum):
    """The state of a child."""

    STARTING = "starting"
    OK = "ok"
    FAILING = "failing"
    """It has failed and is restarted."""
    FAILED = "failed"
    """It has failed too often and is not restarted."""


class Child:
    """A task that is restarted when it fails.

    Args:
        name: shown in logs and by /readyz.
        run: the body of the task.
        first_pause: pause before the first restart, in seconds; it doubles up to `longest_pause`.
        most: restarts within `window` seconds after which the child is given up.

    Attributes:
        why: the last failure; empty while the child works.
    """

    def __init__(
        self,
        name: str,
        run: Run,
        *,
        first_pause: float = 0.5,
        longest_pause: float = 60.0,
        most: int = 30,
        window: float = 3600.0,
    ) -> None:
        self.name = name
        self.health = Health.STARTING
        self.why = ""
        self._run = run
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._most = most
        self._window = window
        self._restarts: deque[float] = deque()
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._closing = False

    def start(self) -> None:
        """Start the task; `settled` returns when it is ready or has failed."""
        self._task = asyncio.create_task(self._keep_running(), name=self.name)

    async def settled(self, timeout: float) -> None:
        """Return when the task is ready or has failed once, or after a timeout in seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._settled.wait()
        except TimeoutError:
            logger.warning("%s is not ready after %.0f s", self.name, timeout)

    async def aclose(self) -> None:
        """Cancel the task and wait for its end."""
        if self._task is not None:
            self._closing = True
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _ready(self) -> None:
        if self.health is Health.FAILING:
            logger.info("%s works again", self.name)
        self.health, self.why = Health.OK, ""
        self._settled.set()

    async def _keep_running(self) -> None:
        pause = self._first_pause
        while True:
            began = time.monotonic()
            try:
                await self._run(self._ready)
                self.why = "it ended by itself"
            except ConfigError as error:
                self._give_up(str(error))
                return
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                self.why = "something that it waited for was cancelled"
            except TemporaryFailure as failure:  # expected, so the sentence is enough and no traceback is logged
                self.why = str(failure)
            except Exception as error:
                self.why = f"{type(error).__name__}: {error}"
                if self.health is not Health.FAILING:
                    logger.exception("%s failed", self.name)
            if self._closing:  # its clean-up failed after it had been cancelled
                return
            self.health = Health.FAILING
            self._settled.set()
            if time.monotonic() - began > self._window:
                pause = self._first_pause
            if self._too_often():
                self._give_up(self.why)
                return
            logger.warning("%s is restarted in %.1f s: %s", self.name, pause, self.why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._longest_pause)

    def _too_often(self) -> bool:
        now = time.monotonic()
        self._restarts.append(now)
        while self._restarts and now - self._restarts[0] > self._window:
            self._restarts.popleft()
        return len(self._restarts) > self._most

    def _give_up(self, why: str) -> None:
        self.health, self.why = Health.FAILED, why
        self._settled.set()
        logger.error("%s has failed too often and is not restarted: %s", self.name, why)
