"""Sending prompts and routing messages: rights, deduplication by `external_id`, stored failures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config import Limits
from supervisor.protocol.errors import (
    IdempotencyConflict,
    NotAllowed,
    RateLimited,
    TurnFailed,
    UserNotFound,
)
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Target
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, asked, connect, result, scripted, session, text_message

S1 = SessionId("s1")


async def test_a_user_who_lost_the_right_cannot_send(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core, user="bob")
        await core.accounts.put_user("bob", name="Bob", role="OPERATOR")
        with pytest.raises(NotAllowed):
            await ask(core, "hello")
        await core.accounts.remove_user("bob")
        with pytest.raises(UserNotFound):
            await ask(core, "hello")
        assert scripted(core).prompts == []


async def test_an_external_id_is_one_message_also_concurrently_and_after_a_restart(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        request = asked(core, external_id="order-1", digest="a")

        async def once() -> tuple[str, str]:
            got = await core.operations.messages.answer(await core.operations.messages.send(request, S1, "hello", None))
            return got.turn.message_id, got.answer

        answers = await asyncio.gather(*(once() for _ in range(10)))
        assert len(set(answers)) == 1
        with pytest.raises(IdempotencyConflict, match="order-1"):
            await core.operations.messages.send(replace(request, digest="b"), S1, "something else", None)
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        again = await core.operations.messages.send(request, S1, "hello", None)
        assert again.accepted.duplicate
        repeated = await core.operations.messages.answer(again)
        assert (repeated.turn.message_id, repeated.answer) == answers[0]
        assert scripted(core).prompts == []
        assert (await session(core)).message_count == 1


async def test_the_repetition_of_a_failure_fails_again(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        request = asked(core, external_id="order-1")
        for _ in range(2):
            with pytest.raises(TurnFailed, match="the disk is full"):
                await core.operations.messages.answer(
                    await core.operations.messages.send(request, S1, "fail the disk is full", None)
                )
        assert len(scripted(core).prompts) == 1


async def test_a_role_that_may_not_prompt_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        with pytest.raises(NotAllowed, match="OPERATOR"):
            await core.operations.messages.route(asked(core), core.directory.user("olga"), "fix the build")


async def test_a_user_with_a_token_of_their_own_has_the_limits_of_people_on_every_wire(tmp_path: Path) -> None:
    limits = Limits(messages_per_minute=3)
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector(), limits=limits) as core:
        await connect(core)
        alice, own = core.directory.user("alice"), asked(core, token=await core.token("alice"))
        messages = core.operations.messages
        await messages.answer(await messages.send(own, S1, "by socket", None))
        await messages.answer(await messages.route(own, alice, "hello"))
        repeated = replace(own, external_id="x1")
        await messages.answer(await messages.send(repeated, S1, "three", None))
        assert (await messages.send(repeated, S1, "three", None)).accepted.duplicate
        for accepting in (
            messages.send(own, S1, "four", None),
            messages.route(own, alice, "four"),
            messages.route(own, alice, "four", decision=await messages.decide(alice, "socket", "four")),
        ):
            with pytest.raises(RateLimited) as refused:
                await accepting
            assert 0 < (refused.value.retry_after or 0) <= 60
        text = await core.intake.accept(text_message("by text"))
        assert (await result(core, text.message_id)).turn.target is Target.REFUSED
        for _ in range(4):
            await ask(core, "a service has no limit")
        assert len(scripted(core).prompts) == 6
