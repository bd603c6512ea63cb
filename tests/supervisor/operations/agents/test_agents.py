"""Whose reports a caller reads and adds to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.operations.agents.agents import AgentOperations, ConversationNotFound
from supervisor.people.identity import Caller
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.messages import UserId
from supervisor.store.records.agents import AgentOperation
from supervisor.undo.errors import NothingToUndo
from tests.supervisor.harness import Core

ALICE = Caller(name="alice", user_id=UserId("alice"), token_id=1)
ALICE_ELSEWHERE = Caller(name="alice", user_id=UserId("alice"), token_id=2)
BOT = Caller(name="bot")
OTHER_BOT = Caller(name="other")


@pytest.fixture
async def agents(tmp_path: Path) -> AsyncIterator[AgentOperations]:
    async with Core(tmp_path) as core:
        yield core.api.agents


async def test_all_tokens_of_a_user_share_and_a_service_adds_to_its_own_only(agents: AgentOperations) -> None:
    of_alice = await agents.start(ALICE, ["planner"])
    of_bot = await agents.start(BOT, [])
    assert await agents.end(ALICE_ELSEWHERE, None) == of_alice
    with pytest.raises(ConversationNotFound, match=f"^Conversation not found: {of_bot}$"):
        await agents.end(OTHER_BOT, of_bot)
    assert await agents.end(OTHER_BOT, None) is None
    assert [told.conversation.id for told in await agents.conversations(ALICE, limit=9, messages=0)] == [
        of_bot,  # alice is an administrator
        of_alice,
    ]
    assert len(await agents.conversations(OTHER_BOT, limit=9, messages=0)) == 2


async def test_what_a_program_did_is_not_taken_back_here(agents: AgentOperations) -> None:
    await agents.did(ALICE, AgentOperation(id="12", kind="create", path="/x"), None)
    with pytest.raises(NotAllowed, match="a program did it itself"):
        await agents.roll_back(ALICE, "12")
    with pytest.raises(NothingToUndo):
        await agents.roll_back(Caller(name="bob", user_id=UserId("bob")), "12")
