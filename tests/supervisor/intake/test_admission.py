"""What goes before a message: limits that a restart keeps, and words and conversations of two nodes at one moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import Limits
from supervisor.protocol.errors import RateLimited
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.protocol.times import now_ms
from supervisor.routing.destination import Destination
from supervisor.store import open_store
from supervisor.store.records.acceptance import Accepted, Attempt
from tests.supervisor.harness import Core, seal
from tests.supervisor.helpers import OUR_NUMBER, asked, result, state, text_message
from tests.supervisor.store.builders import question
from tests.waiting import until


async def test_a_limit_counts_over_a_restart_and_over_the_wires(tmp_path: Path) -> None:
    limits = Limits(messages_per_minute=2)
    async with Core(tmp_path, limits=limits) as core:
        for _ in range(2):
            await core.intake.accept(text_message("claude: hello"))
    async with Core(tmp_path, limits=limits) as core:
        over = await core.intake.accept(text_message("claude: hello"))
        assert await state(core, over) is TurnState.CANCELLED
        alice = core.directory.user("alice")
        request = replace(asked(core, token=await core.token("alice")), channel="rest")
        with pytest.raises(RateLimited) as refused:
            await core.operations.messages.route(request, alice, "hello")
        assert 1 <= (refused.value.retry_after or 0) <= 60
        assert (await core.intake.accept(text_message("STATUS"))).message_id is not None


async def test_two_first_messages_of_two_nodes_begin_one_conversation(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        conversations = core.intake._conversations
        look = conversations.destination
        others: list[Accepted] = []

        async def slowly(*args: Any) -> Destination:
            """Look for the conversation; the other node begins it right after the first look."""
            found = await look(*args)
            if not others:
                assert found.new_session is not None
                new = replace(found.new_session, id=SessionId(uuid7()))
                lane = {"lane": new.id, "session_id": new.id, "project": new.project}
                other = question(**lane, target=Target.CLAUDE_CODE, new_session=new)
                others.append(await core.store.turns.accept(other))
            return found

        conversations.destination = slowly  # type: ignore[assignment, method-assign]
        mine = await core.intake.accept(text_message("claude: hello"))
        sessions = {(await result(core, id_)).turn.session_id for id_ in (mine.message_id, others[0].message_id)}
        assert len(sessions) == 1
        assert len(await core.store.sessions.list()) == 1


async def test_a_word_that_another_node_carries_out_is_waited_for(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        other = await open_store(tmp_path / "xswarm.db", seal=seal)
        try:
            word = {"channel": "sms", "account": OUR_NUMBER, "dedup_key": "SM1", "digest": ""}
            claim = Attempt(**word, user_id=UserId("alice"), limit=None, now_ms=now_ms())
            assert await other.turns.attempt(claim) is None
            receiving = asyncio.create_task(core.intake.accept(text_message("ABORT", key="SM1")), name="receiving")
            await until(lambda: core.intake._user_locks, "it waits")
            theirs = question(**word, message_id=MessageId(uuid7()), target=Target.COMMAND, text="ABORT")
            await other.turns.accept(theirs)
            receipt = await receiving
            assert (receipt.message_id, receipt.duplicate) == (theirs.message_id, True)
        finally:
            await other.close()


async def test_a_word_that_could_not_be_carried_out_is_given_up(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:

        async def failing(*_: object) -> None:
            raise asyncio.CancelledError

        core.intake._commands.answer = failing  # type: ignore[method-assign, assignment]
        with pytest.raises(asyncio.CancelledError):
            await core.intake.accept(text_message("ABORT", key="SM1"))
        rows = await core.store._database.read(lambda each: each.execute("SELECT count(*) FROM claims").fetchone())
        assert rows == (0,)
