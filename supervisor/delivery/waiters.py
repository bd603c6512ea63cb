"""Whoever waits in this process for a message's end; nothing here outlives it, the store does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import MessageId
from supervisor.store.records.result import Result


class Waiters:
    """Futures by message."""

    def __init__(self) -> None:
        self._futures: dict[MessageId, list[asyncio.Future[Result]]] = {}

    @contextmanager
    def expect(self, message_id: MessageId) -> Iterator[asyncio.Future[Result]]:
        """Give a future of a message's end; enter it before the message's lane is told of it."""
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
                future.exception()  # seen: nobody may be left who awaits it
            future.cancel()

    def resolve(self, message_id: MessageId, result: Result) -> None:
        """Give everybody who waits for a message its result."""
        for future in self._futures.pop(message_id, []):
            if not future.done():
                future.set_result(result)

    def fail(self, message_id: MessageId, error: XswarmError) -> None:
        """Give everybody who waits for a message an error."""
        for future in self._futures.pop(message_id, []):
            if not future.done():
                future.set_exception(error)

    def fail_all(self, error: XswarmError) -> None:
        """Leave nobody waiting."""
        for message_id in list(self._futures):
            self.fail(message_id, error)
