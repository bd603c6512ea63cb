"""Live events reach whoever asked for them, once each."""

from __future__ import annotations

from supervisor.delivery.hub import Hub
from supervisor.protocol.events import AnyEvent, Pong

EVENT = Pong()


def test_an_event_reaches_the_subscribers_of_its_topics_once_each() -> None:
    hub, one, two, other = Hub(), list[AnyEvent](), list[AnyEvent](), list[AnyEvent]()
    take_one, take_two = one.append, two.append
    hub.subscribe("sessions", take_one)
    hub.subscribe("user:ada", take_one)
    hub.subscribe("user:ada", take_two)
    hub.subscribe("user:bob", other.append)
    hub.publish(EVENT, ("sessions", "user:ada", "session:s1"))
    assert (one, two, other) == ([EVENT], [EVENT], [])


def test_subscribing_twice_is_the_same_as_once() -> None:
    hub, seen = Hub(), list[AnyEvent]()
    take = seen.append
    hub.subscribe("costs", take)
    hub.subscribe("costs", take)
    hub.publish(EVENT, ["costs"])
    assert seen == [EVENT]
    hub.unsubscribe("costs", take)
    hub.publish(EVENT, ["costs"])
    assert seen == [EVENT]


def test_unsubscribing_without_a_subscription_is_harmless() -> None:
    hub, seen = Hub(), list[AnyEvent]()
    hub.unsubscribe("costs", seen.append)
    hub.subscribe("costs", seen.append)
    hub.unsubscribe("sessions", seen.append)
    hub.publish(EVENT, ["costs"])
    assert seen == [EVENT]


def test_a_topic_is_wanted_while_it_has_a_subscriber() -> None:
    hub, seen = Hub(), list[AnyEvent]()
    take = seen.append
    assert not hub.wanted("costs", "sessions")
    hub.subscribe("costs", take)
    assert hub.wanted("sessions", "costs")
    hub.unsubscribe("costs", take)
    assert not hub.wanted("costs")


def test_another_node_is_told_what_is_wanted_here_and_gets_each_event_once_with_its_topics() -> None:
    hub, told, passed, seen = (
        Hub(),
        list[tuple[str, bool]](),
        list[tuple[AnyEvent, tuple[str, ...]]](),
        list[AnyEvent](),
    )
    hub.on_interest(lambda topic, wanted: told.append((topic, wanted)))

    def relay(event: AnyEvent, topics: tuple[str, ...]) -> None:
        passed.append((event, topics))

    take, other = seen.append, list[AnyEvent]().append
    hub.relay("sessions", relay)
    hub.relay("user:ada", relay)
    assert hub.wanted("user:ada")
    assert told == []
    hub.subscribe("costs", take)
    hub.subscribe("costs", other)
    hub.unsubscribe("costs", other)
    assert told == [("costs", True)]
    assert hub.topics() == ("costs",)
    hub.publish(EVENT, ("sessions", "user:ada", "costs"))
    assert (passed, seen) == ([(EVENT, ("sessions", "user:ada"))], [EVENT])
    hub.deliver(EVENT, ("sessions", "costs"))
    assert (len(passed), seen) == (1, [EVENT, EVENT])
    hub.unsubscribe("costs", take)
    hub.unrelay("sessions", relay)
    hub.unrelay("user:ada", relay)
    hub.unrelay("user:ada", relay)
    assert told == [("costs", True), ("costs", False)]
    assert not hub.wanted("sessions", "user:ada", "costs")


def test_a_subscriber_may_leave_while_an_event_is_handed_out() -> None:
    hub, seen = Hub(), list[AnyEvent]()

    def once(event: AnyEvent) -> None:
        seen.append(event)
        hub.unsubscribe("costs", once)

    hub.subscribe("costs", once)
    hub.publish(EVENT, ["costs"])
    hub.publish(EVENT, ["costs"])
    assert seen == [EVENT]
