"""Live events for whoever is subscribed: bounded, never waiting for a slow reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from supervisor.protocol.events import AnyEvent

Deliver = Callable[[AnyEvent], None]
"""Takes an event at once; bounds its own queue and never blocks."""


class Hub:
    """Who wants to hear of what. Topics: `session:<id>`, `user:<id>`, `sessions`, `costs`, `approvals`."""

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[Deliver, None]] = defaultdict(dict)

    def subscribe(self, topic: str, deliver: Deliver) -> None:
        """Deliver the events of a topic from now on; subscribing twice is the same as once."""
        self._subscribers[topic][deliver] = None

    def unsubscribe(self, topic: str, deliver: Deliver) -> None:
        """Stop; harmless where nothing was subscribed."""
        if (subscribers := self._subscribers.get(topic)) is not None:
            subscribers.pop(deliver, None)
            if not subscribers:
                del self._subscribers[topic]

    def wanted(self, *topics: str) -> bool:
        """Return whether anybody listens, so that nothing is built for nobody."""
        return any(topic in self._subscribers for topic in topics)

    def publish(self, event: AnyEvent, topics: Iterable[str]) -> None:
        """Hand an event to every subscriber of any of the topics, once each."""
        receivers: dict[Deliver, None] = {}
        for topic in topics:
            receivers.update(self._subscribers.get(topic, {}))
        for deliver in receivers:
            deliver(event)
