"""Publishes live events to subscribers. It never waits for one: each subscriber bounds its own queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Protocol

from supervisor.protocol.events import AnyEvent
from supervisor.protocol.messages import CHAT, SessionId, UserId
from supervisor.protocol.status import Target

Deliver = Callable[[AnyEvent], None]
"""Takes an event; it bounds its own queue, does not block and does not raise."""

Relay = Callable[[AnyEvent, tuple[str, ...]], None]
"""Takes an event for another node, with those of its topics that are wanted there; as `Deliver` does."""


class TurnPlace(Protocol):
    """Where a message was written and runs: a turn, or what T1 writes of it."""

    @property
    def session_id(self) -> SessionId | None: ...
    @property
    def user_id(self) -> UserId: ...
    @property
    def target(self) -> Target: ...
    @property
    def channel(self) -> str: ...
    @property
    def thread(self) -> str: ...


def chat_topics(turn: TurnPlace) -> tuple[str, ...]:
    """Return the topic of the chat that a message was written in, or that the assistant answers in; empty = none."""
    if turn.channel == CHAT:
        return (f"chat:{turn.thread}",)
    in_chat = turn.target is Target.ASSISTANT and turn.session_id is not None
    return (f"chat:{turn.session_id}",) if in_chat else ()


def topics_of(turn: TurnPlace) -> tuple[str, ...]:
    """Return the topics under which a message and its turn are published live."""
    return (f"session:{turn.session_id}", f"user:{turn.user_id}", *chat_topics(turn))


class Hub:
    """The subscribers by topic.

    Topics: `session:<id>`, `user:<id>`, `sessions`, `costs`, `approvals`, `agents`; and `chat:<id>`, for what was
    written in a chat, whoever answers it.
    """

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[Deliver, None]] = defaultdict(dict)
        self._relays: dict[str, dict[Relay, None]] = defaultdict(dict)
        self._interest: Callable[[str, bool], None] = _nobody

    def on_interest(self, tell: Callable[[str, bool], None]) -> None:
        """Call a function when a topic gets its first subscriber (True), and when it has lost its last (False)."""
        self._interest = tell

    def subscribe(self, topic: str, deliver: Deliver) -> None:
        """Deliver the events of a topic from now on; a second subscription changes nothing."""
        subscribers = self._subscribers[topic]
        is_first = not subscribers
        subscribers[deliver] = None
        if is_first:
            self._interest(topic, True)

    def unsubscribe(self, topic: str, deliver: Deliver) -> None:
        """Stop delivering the events of a topic; does nothing if there is no such subscription."""
        if (subscribers := self._subscribers.get(topic)) is not None:
            subscribers.pop(deliver, None)
            if not subscribers:
                del self._subscribers[topic]
                self._interest(topic, False)

    def topics(self) -> tuple[str, ...]:
        """Return the topics that have a subscriber on this node."""
        return tuple(self._subscribers)

    def relay(self, topic: str, relay: Relay) -> None:
        """Pass the events of a topic on to another node from now on."""
        self._relays[topic][relay] = None

    def unrelay(self, topic: str, relay: Relay) -> None:
        """Stop that; does nothing if it was never begun."""
        if (relays := self._relays.get(topic)) is not None:
            relays.pop(relay, None)
            if not relays:
                del self._relays[topic]

    def wanted(self, *topics: str) -> bool:
        """Return whether any topic has a subscriber; if none has, the caller need not build the event."""
        return not (self._subscribers.keys().isdisjoint(topics) and self._relays.keys().isdisjoint(topics))

    def publish(self, event: AnyEvent, topics: Iterable[str]) -> None:
        """Deliver an event once to each subscriber of at least one of the topics, on whichever node."""
        if self._relays:
            topics = tuple(topics)
            wanted: dict[Relay, list[str]] = defaultdict(list)
            for topic in topics:
                for relay in self._relays.get(topic, {}):
                    wanted[relay].append(topic)
            for relay, theirs in wanted.items():
                relay(event, tuple(theirs))
        self.deliver(event, topics)

    def deliver(self, event: AnyEvent, topics: Iterable[str]) -> None:
        """Deliver an event once to each subscriber on this node; it may come from another one."""
        receivers: dict[Deliver, None] = {}
        for topic in topics:
            receivers.update(self._subscribers.get(topic, {}))
        for deliver in receivers:
            deliver(event)


def _nobody(topic: str, wanted: bool) -> None:
    """Tell nobody: there is no other node."""
