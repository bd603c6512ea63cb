"""A chat counts all that was written in it, whoever answered."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.messages import SessionId
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core


async def test_what_went_to_claude_code_counts_in_the_chat_too(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector()) as core:
        alice, chats = core.directory.user("alice"), core.api.chat
        chat = (await chats.open(alice, SessionId("c1"))).session_id
        for text in ("pay 1000", "@site pay 5000", "hello"):
            taken = await chats.submit(alice, chat, text)
            await chats.wait(taken.message_id)
        (shown,) = await chats.list(alice, limit=9)
        assert (shown.message_count, shown.cost_nanos) == (3, 6000)
        renamed = await chats.rename(alice, chat, "Swaps")
        assert (renamed.message_count, renamed.cost_nanos) == (3, 6000)
        (found,) = await core.api.search.titles(alice, "Swaps", limit=9)
        assert (found.message_count, found.cost_nanos) == (3, 6000)
        stored = await core.store.sessions.get(chat)
        assert stored is not None
        assert (stored.message_count, stored.cost_nanos) == (2, 1000), "the record counts what the assistant answered"
