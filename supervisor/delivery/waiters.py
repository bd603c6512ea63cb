"""Callers in this process that wait for the result of a message; after a restart only the store has it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import MessageId
from supervisor.store.records.result import Result


class Waiters:
    """Futures by message id."""

    def __init__(self) -> None:
        self._futures: dict[MessageId, list[asyncio.Future[Result]]] = {}

    @contextmanager
    def expect(self, message_id: MessageId) -> Iterator[asyncio.Future[Result]]:
        """Yield a future of a message's result; enter it before the message can be answered."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(message_id, []).append(future)
        try:
            yield future
        finally:
            waiting = self._futures.get(message_id, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._futures.pop(message_id, None)
            if future.done() and not future.cancelled():
                future.exception()  # marks it as retrieved, in case no caller awaits it any more
            future.cancel()

    def awaited(self) -> set[MessageId]:
        """Return the messages whose results somebody waits for."""
        return set(self._futures)

    def resolve(self, message_id: MessageId, result: Result) -> None:
        """Resolve the futures of a message with its result."""
        for future in self._futures.pop(message_id, []):
            if not future.done():
                future.set_result(result)

    def fail(self, message_id: MessageId, error: XswarmError) -> None:
        """Fail the futures of a message."""
        for future in self._futures.pop(message_id, []):
            if not future.done():
                future.set_exception(error)

    def fail_all(self, error: XswarmError) -> None:
        """Fail all futures."""
        for message_id in list(self._futures):
            self.fail(message_id, error)
