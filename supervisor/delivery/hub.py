"""Publishes live events to subscribers. It never waits for one: each subscriber bounds its own queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from supervisor.protocol.events import AnyEvent

Deliver = Callable[[AnyEvent], None]
"""Takes an event; it bounds its own queue, does not block and does not raise."""


class Hub:
    """The subscribers by topic. Topics: `session:<id>`, `user:<id>`, `sessions`, `costs`, `approvals`."""

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[Deliver, None]] = defaultdict(dict)

    def subscribe(self, topic: str, deliver: Deliver) -> None:
        """Deliver the events of a topic from now on; a second subscription changes nothing."""
        self._subscribers[topic][deliver] = None

    def unsubscribe(self, topic: str, deliver: Deliver) -> None:
        """Stop delivering the events of a topic; does nothing if there is no such subscription."""
        if (subscribers := self._subscribers.get(topic)) is not None:
            subscribers.pop(deliver, None)
            if not subscribers:
                del self._subscribers[topic]

    def wanted(self, *topics: str) -> bool:
        """Return whether any topic has a subscriber; if none has, the caller need not build the event."""
        return not self._subscribers.keys().isdisjoint(topics)

    def publish(self, event: AnyEvent, topics: Iterable[str]) -> None:
        """Deliver an event once to each subscriber of at least one of the topics."""
        receivers: dict[Deliver, None] = {}
        for topic in topics:
            receivers.update(self._subscribers.get(topic, {}))
        for deliver in receivers:
            deliver(event)
