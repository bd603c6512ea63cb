"""For whom a call is made: what the caller of the server says in the `_meta` of `tools/call`.

    "_meta": {"xswarm/user": {"id": "alice", "name": "Alice Brown"}, "xswarm/chat": "01a2..."}

It is the caller's word: over stdio the caller is the process that started this one. A caller that says nothing acts
as `local`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver import Context

from examples.residency.data.journal import Actor

USER = "xswarm/user"
CHAT = "xswarm/chat"
NOBODY = Actor(id="local", name="somebody on this machine")


def acting(context: Context[Any, Any]) -> Actor:
    """Return for whom a call is made."""
    return actor_of(context.request_context.meta or {})


def actor_of(meta: Mapping[str, Any]) -> Actor:
    """Return the actor that the `_meta` of a call names; parts that are missing or no text count as missing."""
    user, chat = meta.get(USER), meta.get(CHAT)
    if not isinstance(user, Mapping) or not isinstance(user.get("id"), str) or not user["id"]:
        return NOBODY
    name = user.get("name")
    return Actor(
        id=user["id"],
        name=name if isinstance(name, str) and name else user["id"],
        chat=chat if isinstance(chat, str) else "",
    )
