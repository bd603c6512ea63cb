"""Waiting for a fact with a deadline, instead of sleeping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable

from tests.slowness import scaled

POLL_SECONDS = 0.005

PATIENCE_SECONDS = 30.0
"""How long a fact is waited for where its test says nothing else: load may come after the machine was measured."""


async def until(
    predicate: Callable[[], object], what: str, timeout: float = PATIENCE_SECONDS, interval: float = POLL_SECONDS
) -> None:
    """Return when `predicate`, plain or awaitable, returns something true.

    Args:
        what: the fact in words, for the failure.
        timeout: in seconds, on the machine that the tests are written on; it is scaled for this machine.
        interval: seconds between two calls; choose a longer one where a call is expensive.

    Raises:
        AssertionError: the fact did not come true before the deadline.
    """
    timeout = scaled(timeout)
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


def wait_until(predicate: Callable[[], object], what: str, timeout: float = PATIENCE_SECONDS) -> None:
    """Do as `until` does, without an event loop.

    Raises:
        AssertionError: the fact did not come true before the deadline.
    """
    timeout = scaled(timeout)
    deadline = time.monotonic() + timeout
    while not (fact := predicate()):
        if time.monotonic() >= deadline:
            raise AssertionError(_too_late(what, timeout, fact))
        time.sleep(POLL_SECONDS)


def _too_late(what: str, timeout: float, fact: object) -> str:
    return f"not within {timeout:g} s: {what} (last seen: {fact!r})"
