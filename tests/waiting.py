"""Waiting for a fact with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable

POLL_SECONDS = 0.005


async def until(
    predicate: Callable[[], object], what: str, timeout: float = 10.0, interval: float = POLL_SECONDS
) -> None:
    """Return when `predicate`, plain or awaitable, gives something true.

    Args:
        what: the fact in words, for the failure.
        timeout: in seconds; far above what it takes, as a busy machine is no failure.
        interval: seconds between two looks; longer where a look costs more than a glance.

    Raises:
        AssertionError: it did not come true in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        fact = predicate()
        if inspect.isawaitable(fact):
            fact = await fact
        if fact:
            return
        if time.monotonic() >= deadline:
            raise AssertionError(_too_late(what, timeout, fact))
        await asyncio.sleep(interval)


def wait_until(predicate: Callable[[], object], what: str, timeout: float = 10.0) -> None:
    """Do as `until` does, without an event loop.

    Raises:
        AssertionError: it did not come true in time.
    """
    deadline = time.monotonic() + timeout
    while not (fact := predicate()):
        if time.monotonic() >= deadline:
            raise AssertionError(_too_late(what, timeout, fact))
        time.sleep(POLL_SECONDS)


def _too_late(what: str, timeout: float, fact: object) -> str:
    return f"not within {timeout:g} s: {what} (last seen: {fact!r})"
