"""A queue for a limited resource: users take turns (round robin), each in first-in, first-out order."""

from __future__ import annotations

import asyncio
from collections import deque

from supervisor.protocol.messages import UserId


class FairQueue:
    """Waiters for an exhausted resource. Code that frees a part wakes the next waiter, which then tries again.

    A user may have several waiters. No user is served twice while another user waits.
    """

    def __init__(self) -> None:
        self._waiters: dict[UserId, deque[asyncio.Future[None]]] = {}

    @property
    def contended(self) -> bool:
        """Whether there are waiters; a newcomer must then queue behind them."""
        return bool(self._waiters)

    async def wait(self, user_id: UserId) -> None:
        """Return when this waiter may try again. If it is cancelled after its wake-up, the next waiter is woken."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(user_id, deque()).append(woken)
        try:
            await woken
        except asyncio.CancelledError:
            if woken.done() and not woken.cancelled():
                self.wake_next()
            raise
        finally:
            self._remove(user_id, woken)

    def wake_next(self) -> None:
        """Wake the next waiter, because a part of the resource may be free."""
        if not self._waiters:
            return
        user_id, queue = next(iter(self._waiters.items()))
        woken = queue.popleft()
        del self._waiters[user_id]
        if queue:
            self._waiters[user_id] = queue  # behind the other users
        if not woken.done():
            woken.set_result(None)
        else:
            self.wake_next()

    def wake_all(self) -> None:
        """Wake every waiter, because the resource is no longer available."""
        while self._waiters:
            self.wake_next()

    def _remove(self, user_id: UserId, woken: asyncio.Future[None]) -> None:
        queue = self._waiters.get(user_id)
        if queue is not None and woken in queue:
            queue.remove(woken)
            if not queue:
                del self._waiters[user_id]
