"""Which chats have worked on what; when one works on it, the others are told."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from supervisor.delivery.hub import Hub
from supervisor.protocol.events import ChatNotice
from supervisor.tools.meta import NOTICE, TOPIC, text_of

MOST_TOPICS = 1_000
MOST_CHATS = 100
"""Topics, and chats of one topic, that are kept; of more, those whose last result is the oldest are forgotten."""


class Topics:
    """The topics of results, in memory: after a restart a chat belongs to one again with its next result.

    Attributes:
        hub: publishes to the chats that somebody has open; `None` = nobody is told yet.
    """

    def __init__(self, hub: Hub | None = None) -> None:
        self.hub = hub
        self._chats: OrderedDict[tuple[str, str], OrderedDict[str, None]] = OrderedDict()

    def came(self, server: str, chat: str, meta: Mapping[str, Any]) -> None:
        """Take a result of a server in a chat; tell the other chats of its topic what it says for them."""
        topic = text_of(meta, TOPIC)
        if not topic:
            return
        chats = self._chats.setdefault((server, topic), OrderedDict())
        self._chats.move_to_end((server, topic))
        chats[chat] = None
        chats.move_to_end(chat)
        if len(chats) > MOST_CHATS:
            chats.popitem(last=False)
        if len(self._chats) > MOST_TOPICS:
            self._chats.popitem(last=False)
        message = text_of(meta, NOTICE)
        if message and self.hub is not None:
            for other in chats:
                if other != chat:
                    self.hub.publish(ChatNotice(session_id=other, message=message), (f"chat:{other}",))
