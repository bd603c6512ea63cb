"""What travels beside arguments and results, in `_meta` of the Model Context Protocol; docs/configuration.md tells it.

A server that knows nothing of it is not disturbed: keys of others are to be ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.protocol.text.tool_results import plain

USER = "xswarm/user"
"""With a call, to programs on this machine: `{"id", "name"}` of the user for whom it is made."""

CHAT = "xswarm/chat"
"""With a call, to programs on this machine: the conversation in which it is made."""

TOPIC = "xswarm/topic"
"""With a result: what it is about, such as `schedule:main`. Chats with results of one topic are told of each other."""

NOTICE = "xswarm/notice"
"""With a result: a sentence for the other chats of its topic."""

LONGEST = 300
"""Characters of the longest text of a server that is taken."""


def acting(user_id: str, name: str, chat: str) -> Mapping[str, Any]:
    """Return what a call carries."""
    return {USER: {"id": user_id, "name": name}, CHAT: chat}


def text_of(meta: Mapping[str, Any], key: str) -> str:
    """Return a text that came with a result, in one line; empty = there is none."""
    value = meta.get(key)
    return " ".join(plain(value).split())[:LONGEST] if isinstance(value, str) else ""
