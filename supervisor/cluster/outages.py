"""Waits through an outage of the database: what it refuses is done again until it answers, or until the time is up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from supervisor.protocol.errors import StorageError

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_SECONDS = 600.0
"""How long work waits that nobody else's clock limits, such as the decision about a tool call."""

FIRST_PAUSE_SECONDS = 0.1
"""Pause after the first refusal; it doubles with each further one."""

LONGEST_PAUSE_SECONDS = 2.0
"""Longest pause between two attempts."""


async def wait_out(
    work: Callable[[], Awaitable[T]],
    what: str,
    *,
    seconds: float | None = None,
    given_up: Callable[[], bool] | None = None,
) -> T:
    """Do what needs the database, and do it again while the database refuses.

    Args:
        work: nothing of it may be stored where it raises a `StorageError`, because it runs again.
        what: waits, for the log.
        seconds: how long after the first refusal; None = `PATIENCE_SECONDS`.
        given_up: asked after each refusal: whether it is not wanted any more; None = it stays wanted.

    Raises:
        StorageError: the refusal of the last attempt; the first one where it does not pass by itself.
    """
    deadline: float | None = None
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            done = await work()
        except StorageError as error:
            now, waits = time.monotonic(), deadline is not None
            if deadline is None:
                deadline = now + (PATIENCE_SECONDS if seconds is None else seconds)
            left = deadline - now
            if error.lasts or left <= 0 or (given_up is not None and given_up()):
                raise
            if not waits:
                logger.warning("%s: waits for the database: %s", what, error)
        else:
            if deadline is not None:
                logger.info("%s: the database answers again", what)
            return done
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
