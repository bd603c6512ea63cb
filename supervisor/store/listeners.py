"""Who hears of commits: what a group of writes left is kept while it runs, and told in the event loop afterwards."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from supervisor.store.committed import Committed, Entry
from supervisor.store.transaction import Transaction

Replied = Callable[[AbstractSet[str]], None]
Watcher = Callable[[Committed], None]


class Listeners:
    """The listeners of a database.

    `keep` is called in the writer's thread while a group runs; everything else in the event loop.
    """

    def __init__(self) -> None:
        self._replied: Replied | None = None
        self._watchers: list[Watcher] = []
        self._channels: set[str] = set()
        self._entries: list[Entry] = []
        self._seconds: list[float] = []
        self._points: list[str] = []

    def on_replies(self, listener: Replied) -> None:
        """Call `listener` after each commit that left replies to deliver, with their channels.

        It replaces the listener before, and must not raise.
        """
        self._replied = listener

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` after each group of commits; it must be quick, and must not raise."""
        self._watchers.append(watcher)

    def keep(self, transaction: Transaction, seconds: float) -> None:
        """Keep what a transaction left; `seconds` from its begin to the end of the commit."""
        self._seconds.append(seconds)
        self._entries += transaction.recorded
        self._points += transaction.points
        self._channels |= transaction.channels

    def tell(self) -> None:
        """Tell what was kept since the last call."""
        if self._seconds:
            committed = Committed(seconds=self._seconds, entries=self._entries, writes=self._points)
            self._seconds, self._entries, self._points = [], [], []
            for watcher in self._watchers:
                watcher(committed)
        if self._channels:
            channels, self._channels = self._channels, set()
            if self._replied is not None:
                self._replied(channels)
