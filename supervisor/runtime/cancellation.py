"""Work that continues when its caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def shielded(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Decorate a coroutine function: it runs to its end even if its caller is cancelled; the caller does not wait."""
    running: set[asyncio.Task[T]] = set()  # the event loop holds only weak references

    @wraps(work)
    async def started(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.create_task(work(*args, **kwargs), name=work.__qualname__)
        running.add(task)
        task.add_done_callback(running.discard)
        return await asyncio.shield(task)

    return started
