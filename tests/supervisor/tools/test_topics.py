"""Chats that work on one thing are told of each other."""

from __future__ import annotations

from supervisor.delivery.hub import Hub
from supervisor.protocol.events import AnyEvent, ChatNotice
from supervisor.tools.topics import MOST_CHATS, Topics


def told(hub: Hub, *chats: str) -> list[AnyEvent]:
    found: list[AnyEvent] = []
    for chat in chats:
        hub.subscribe(f"chat:{chat}", found.append)
    return found


def test_only_other_chats_of_the_same_topic_and_server_are_told() -> None:
    hub = Hub()
    topics, found = Topics(hub), told(hub, "1", "2", "3", "4")
    topics.came("clinic", "1", {"xswarm/topic": "a"})
    topics.came("clinic", "3", {"xswarm/topic": "b"})
    topics.came("other", "4", {"xswarm/topic": "a"})
    topics.came("clinic", "2", {"xswarm/topic": "a", "xswarm/notice": "Bob works."})
    topics.came("clinic", "2", {"xswarm/notice": "Bob works without a topic."})
    assert found == [ChatNotice(session_id="1", message="Bob works.")]


def test_a_result_without_a_notice_tells_nobody_and_before_there_is_a_hub_nobody_is_told() -> None:
    hub = Hub()
    topics, found = Topics(), told(hub, "1")
    topics.came("clinic", "1", {"xswarm/topic": "a"})
    topics.came("clinic", "2", {"xswarm/topic": "a", "xswarm/notice": "early"})
    topics.hub = hub
    topics.came("clinic", "2", {"xswarm/topic": "a"})
    assert found == []


def test_the_chats_whose_last_result_is_the_oldest_are_forgotten() -> None:
    hub = Hub()
    topics, found = Topics(hub), told(hub, "0", "1")
    for number in range(MOST_CHATS + 1):
        topics.came("clinic", str(number), {"xswarm/topic": "a"})
    topics.came("clinic", "new", {"xswarm/topic": "a", "xswarm/notice": "now"})
    assert [event.session_id for event in found if isinstance(event, ChatNotice)] == []
    topics.came("clinic", "1", {"xswarm/topic": "a"})
    topics.came("clinic", "new", {"xswarm/topic": "a", "xswarm/notice": "now"})
    assert [event.session_id for event in found if isinstance(event, ChatNotice)] == ["1"]
