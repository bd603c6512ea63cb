"""The queue of events between a conversation and the one task that reads it: bounded, and without loss."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from supervisor.protocol.conversation import ConversationEvent, Exited, TextDelta

LIMIT = 1000
"""Events that may be queued; beyond it the sender waits (backpressure)."""


class EventStream:
    """A queue that merges text deltas while its reader is slow, and ends after `Exited`."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._events: deque[ConversationEvent] = deque()
        self._changed = asyncio.Condition()
        self._closing = False

    async def put(self, event: ConversationEvent) -> None:
        """Add an event; wait while the queue is full. Events after `Exited` are dropped."""
        async with self._changed:
            last = self._events[-1] if self._events else None
            if isinstance(event, TextDelta) and isinstance(last, TextDelta):
                self._events[-1] = TextDelta(text=last.text + event.text)
                return
            await self._changed.wait_for(lambda: self._closing or len(self._events) < self._limit)
            if not (self._events and isinstance(self._events[-1], Exited)):
                self._events.append(event)
                self._changed.notify_all()

    async def release(self) -> None:
        """Let senders go on though the queue is full: the conversation is being closed."""
        async with self._changed:
            self._closing = True
            self._changed.notify_all()

    async def __aiter__(self) -> AsyncIterator[ConversationEvent]:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._events))
                event = self._events[0] if isinstance(self._events[0], Exited) else self._events.popleft()
                self._changed.notify_all()
            yield event
            if isinstance(event, Exited):
                return
