"""Chats as their person sees them: with the messages and costs that went to Claude Code from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.store.ports.sessions import ChatStore
from supervisor.store.records.session import Session


async def whole(chats: ChatStore, sessions: Sequence[Session]) -> list[Session]:
    """Return records of chats that count all that was written in them, whoever answered.

    Raises:
        StorageError: the store could not be read.
    """
    elsewhere = await chats.elsewhere([session.id for session in sessions])
    found = []
    for session in sessions:
        count, nanos = elsewhere.get(session.id, (0, 0))
        found.append(
            replace(session, message_count=session.message_count + count, cost_nanos=session.cost_nanos + nanos)
        )
    return found
