"""Chats through the core: opened by their user alone, answered in order, interrupted, edited, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import BudgetConfig, Limits
from supervisor.core.ground import Tuning
from supervisor.operations.chats.chats import ChatOperations
from supervisor.protocol.errors import (
    BudgetExceeded,
    ConnectionFailed,
    IdempotencyConflict,
    InvalidMessage,
    MessageNotFound,
    NotAllowed,
    Overloaded,
    RateLimited,
    SessionNotFound,
)
from supervisor.protocol.events import AnyEvent, ChatPrompt, ClaudeCodeDelta, SessionUpdated
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Target, TurnState
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.records.accounts import User
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import Gate, asked, connect, project, result, scripted, send
from tests.waiting import until

C1 = SessionId("c1")


@asynccontextmanager
async def core_with_chat(folder: Path, **settings: Any) -> AsyncIterator[tuple[Core, ChatOperations, User]]:
    """Yield a core with scripted connectors, its chats, and alice, whose chat c1 is open."""
    async with Core(folder, connector=ScriptedConnector(), assistant=ScriptedConnector(), **settings) as core:
        alice = core.directory.user("alice")
        await core.api.chat.open(alice, C1)
        yield core, core.api.chat, alice


def assistant(core: Core) -> ScriptedConnector:
    """Return the connector of the assistant."""
    assert isinstance(core.assistant_connector, ScriptedConnector)
    return core.assistant_connector


async def ask(chat: ChatOperations, user: User, text: str, session_id: SessionId = C1, **options: Any) -> str:
    """Write a message and return its answer."""
    taken = await chat.submit(user, session_id, text, **options)
    if taken.told is not None:
        return taken.told
    return (await chat.wait(taken.message_id)).result.answer


async def texts(chat: ChatOperations, user: User, session_id: SessionId = C1) -> list[str]:
    """Return the history of a chat."""
    return [message.content for message in await chat.history(user, session_id)]


async def test_an_id_that_nobody_has_is_adopted_and_any_other_one_gives_a_new_one(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        bob = core.directory.user("bob")
        await ask(chat, alice, "hello")
        assert (await chat.open(alice, C1)).history_count == 2
        hidden = await chat.open(bob, C1)
        assert (hidden.session_id != C1, hidden.history_count) == (True, 0)
        await connect(core, "s1")
        assert (await chat.open(alice, SessionId("s1"))).session_id not in ("s1", C1)
        new = await chat.open(alice, None)
        assert new.session_id not in ("s1", C1, hidden.session_id)
        assert core.sessions.live_count() == 1


@pytest.mark.requirement(11)
async def test_a_chat_does_not_exist_for_another_user(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, _):
        bob = core.directory.user("bob")
        for call in (
            chat.submit(bob, C1, "let me in"),
            chat.running(bob, C1),
            chat.interrupt(bob, C1),
            chat.history(bob, C1),
            chat.rename(bob, C1, "mine"),
            chat.delete(bob, C1),
            chat.edit(bob, C1, MessageId("m1"), "mine"),
        ):
            with pytest.raises(SessionNotFound):
                await call
        assert assistant(core).prompts == []


async def test_two_users_who_open_the_same_new_id_at_once_do_not_share_it(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        bob = core.directory.user("bob")
        new = SessionId("new")
        ids = {opened.session_id for opened in await asyncio.gather(chat.open(alice, new), chat.open(bob, new))}
        assert (len(ids), new in ids) == (2, True)


async def test_keywords_do_not_route_and_a_prefix_does(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        assert await ask(chat, alice, "fix the tests and deploy") == "fix the tests and deploy"
        assert await ask(chat, alice, "claude: fix it") == "fix it"
        assert await ask(chat, alice, "what did you fix?") == "what did you fix?"
        assert await ask(chat, alice, "@site once more") == "once more"
        assert [text for _, text in assistant(core).prompts] == ["fix the tests and deploy", "what did you fix?"]
        assert [text for _, text in scripted(core).prompts] == ["fix it", "once more"]
        assert len({session for session, _ in scripted(core).prompts}) == 1
        assert (await texts(chat, alice))[::2] == [
            "fix the tests and deploy",
            "@site fix it",
            "what did you fix?",
            "@site once more",
        ]
        assert [(one.prompt, one.answer) for one in assistant(core).histories[-1]] == [
            ("fix the tests and deploy", "fix the tests and deploy"),
            ("fix it", "fix it"),
        ]


async def test_a_message_that_the_rules_refuse_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path, projects=project(tmp_path, "shop")) as (core, chat, alice):
        with pytest.raises(NotAllowed, match="which project"):
            await chat.submit(alice, C1, "claude: fix it")
        olga = core.directory.user("olga")
        opened = await chat.open(olga, None)
        with pytest.raises(NotAllowed, match="may look at sessions"):
            await chat.submit(olga, opened.session_id, "hello")
        assert (await texts(chat, alice))[0] == "fix it"
        assert assistant(core).prompts == scripted(core).prompts == []


async def test_a_command_word_is_answered_by_the_daemon(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        taken = await chat.submit(alice, C1, "Cost.")
        assert taken.told is not None
        assert "0.00" in taken.told
        assert assistant(core).prompts == []
        assert await texts(chat, alice) == ["Cost.", taken.told]
        assert await chat.list(alice, limit=9) == []


async def test_messages_wait_for_the_running_answer_in_order(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        first = await chat.submit(alice, C1, "hold on")
        await until(assistant(core).held, "it is being answered")
        second = await chat.submit(alice, C1, "two")
        third = await chat.submit(alice, C1, "three")
        assert first.queued is None
        assert second.queued is not None
        assert third.queued is not None
        assert (second.queued.position, third.queued.position) == (1, 2)
        assert second.queued.reason == "It waits for the running turn."
        assert await chat.running(alice, C1) == [first.message_id, second.message_id, third.message_id]
        assistant(core).release("here")
        ends = [(await chat.wait(one.message_id)).result.answer for one in (first, second, third)]
        assert ends == ["here", "two", "three"]
        assert await chat.running(alice, C1) == []
        assert await texts(chat, alice) == ["hold on", "here", "two", "two", "three", "three"]


async def test_two_chats_of_a_user_are_answered_at_once_and_apart(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        c2 = (await chat.open(alice, SessionId("c2"))).session_id
        await chat.submit(alice, C1, "hold on")
        await until(assistant(core).held, "the first is being answered")
        assert await ask(chat, alice, "hello", c2) == "hello"
        assert await texts(chat, alice, c2) == ["hello", "hello"]
        assert assistant(core).histories[-1] == []
        assistant(core).release("here")


async def test_what_runs_is_interrupted_and_its_text_kept(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        assert await chat.interrupt(alice, C1) is None
        taken = await chat.submit(alice, C1, "hold on")
        waiting = await chat.submit(alice, C1, "next")
        await until(assistant(core).held, "it is being answered")
        assert await chat.interrupt(alice, C1) == taken.message_id
        end = await chat.wait(taken.message_id)
        assert (end.interrupted, end.result.answer) == (True, "so far")
        assert (await chat.wait(waiting.message_id)).result.answer == "next"
        assert [(one.prompt, one.answer) for one in assistant(core).histories[-1]] == [
            ("hold on", "so far\n\n(stopped by the user)")
        ]
        stopped = (await chat.history(alice, C1))[1]
        assert (stopped.content, stopped.interrupted) == ("so far", True)


async def test_an_interrupt_reaches_a_turn_that_is_about_to_begin(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        assistant(core).gate.clear()
        taken = await chat.submit(alice, C1, "hello")
        stopping = asyncio.create_task(chat.interrupt(alice, C1))
        await until(lambda: assistant(core).opening, "the turn begins")
        assistant(core).gate.set()
        assert await stopping == taken.message_id
        end = await chat.wait(taken.message_id)
        assert (end.interrupted, end.result.answer) == (True, "")
        assert assistant(core).prompts == []


async def test_the_oldest_of_two_running_answers_is_interrupted(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        first = await chat.submit(alice, C1, "claude: hold on")
        await until(scripted(core).held, "Claude Code works")
        second = await chat.submit(alice, C1, "hold too")
        await until(assistant(core).held, "the assistant works")
        assert await chat.interrupt(alice, C1) == first.message_id
        await chat.wait(first.message_id)
        assert await chat.interrupt(alice, C1) == second.message_id


async def test_an_interrupt_that_comes_too_late_changes_nothing(tmp_path: Path) -> None:
    gate = Gate("finish.before_commit")
    async with core_with_chat(tmp_path, crash=gate) as (_, chat, alice):
        taken = await chat.submit(alice, C1, "hello")
        await until(gate.reached.is_set, "its end is being stored")
        assert await chat.interrupt(alice, C1) is None
        gate.open()
        end = await chat.wait(taken.message_id)
        assert (end.interrupted, end.result.answer) == (False, "hello")
        assert await ask(chat, alice, "and on") == "and on"


async def test_what_still_waits_for_claude_code_is_not_begun(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        scripted(core).gate.clear()
        taken = await chat.submit(alice, C1, "claude: hello")
        await until(lambda: scripted(core).opening, "its process starts")
        assert await chat.interrupt(alice, C1) == taken.message_id
        assert (await chat.wait(taken.message_id)).interrupted
        assert await chat.interrupt(alice, C1) is None
        scripted(core).gate.set()
        assert await ask(chat, alice, "claude: and now?") == "and now?"
        assert [text for _, text in scripted(core).prompts] == ["and now?"]


async def test_a_message_may_interrupt_the_running_answer(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        first = await chat.submit(alice, C1, "hold on")
        await until(assistant(core).held, "it is being answered")
        assert await ask(chat, alice, "no, this", mode=Mode.INTERRUPT) == "no, this"
        assert (await chat.wait(first.message_id)).interrupted


async def test_an_answer_that_fails_says_why(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (_, chat, alice):
        taken = await chat.submit(alice, C1, "fail the model is away")
        end = await chat.wait(taken.message_id)
        assert "the model is away" in str(end.error)
        assert (end.result.state, end.interrupted) == (TurnState.FAILED, False)
        assert (await chat.history(alice, C1))[1].error == "the model is away"


async def test_a_repeated_message_is_answered_once(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        first = await chat.submit(alice, C1, "hello", external_id="x1")
        await chat.wait(first.message_id)
        again = await chat.submit(alice, C1, "hello", external_id="x1")
        assert again.message_id == first.message_id
        assert (await chat.wait(again.message_id)).result.answer == "hello"
        with pytest.raises(IdempotencyConflict):
            await chat.submit(alice, C1, "something else", external_id="x1")
        assert len(assistant(core).prompts) == 1


async def test_a_chat_is_named_by_its_first_message_and_by_its_user(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        heard: list[AnyEvent] = []
        core.hub.subscribe(f"session:{C1}", heard.append)
        await ask(chat, alice, "Check compliance for next month, please")
        await ask(chat, alice, "and the month after")
        (listed,) = await chat.list(alice, limit=9)
        assert (listed.title, listed.message_count) == ("Check compliance for next month, please", 2)
        await chat.rename(alice, C1, "  May \n compliance ")
        assert [one.title for one in heard if isinstance(one, SessionUpdated)] == [listed.title, "May compliance"]
        for wrong in ("", "  ", "x" * 201):
            with pytest.raises(InvalidMessage):
                await chat.rename(alice, C1, wrong)


async def test_an_edited_message_is_asked_again_without_what_came_after_it(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        await ask(chat, alice, "one")
        two = await chat.submit(alice, C1, "two")
        await chat.wait(two.message_id)
        running = await chat.submit(alice, C1, "hold on")
        await until(assistant(core).held, "it is being answered")
        waiting = await chat.submit(alice, C1, "four")
        edited = await chat.edit(alice, C1, two.message_id, "two, in other words")
        assert (await chat.wait(edited.message_id)).result.answer == "two, in other words"
        assert (await chat.wait(running.message_id)).interrupted
        assert (await chat.wait(waiting.message_id)).interrupted
        assert await texts(chat, alice) == ["one", "one", "two, in other words", "two, in other words"]
        assert [(one.prompt, one.answer) for one in assistant(core).histories[-1]] == [("one", "one")]
        with pytest.raises(MessageNotFound):
            await chat.edit(alice, C1, two.message_id, "once more")
        assert await core.store.ledger.disagreements() == []


async def test_a_deleted_chat_is_stopped_and_gone(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        running = await chat.submit(alice, C1, "hold on")
        waiting = await chat.submit(alice, C1, "next")
        await until(assistant(core).held, "it is being answered")
        await chat.delete(alice, C1)
        await until(core.all_answered, "they are stopped")
        for taken in (running, waiting):
            assert (await result(core, taken.message_id)).turn.state is TurnState.CANCELLED
        with pytest.raises(SessionNotFound):
            await chat.history(alice, C1)
        with pytest.raises(SessionNotFound):
            await chat.submit(alice, C1, "hello?")
        assert (await chat.open(alice, C1)).session_id != C1


async def test_a_user_who_writes_too_much_is_told_when_to_write_again(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path, limits=Limits(messages_per_minute=2)) as (_, chat, alice):
        await ask(chat, alice, "one")
        await ask(chat, alice, "two", external_id="x2")
        assert await ask(chat, alice, "two", external_id="x2") == "two"
        with pytest.raises(RateLimited) as refused:
            await chat.submit(alice, C1, "three")
        assert 0 < (refused.value.retry_after or 0) <= 60
        assert len(await texts(chat, alice)) == 4
        assert (await chat.submit(alice, C1, "STATUS")).told is not None


async def test_the_limit_of_a_session_is_that_of_each_chat(tmp_path: Path) -> None:
    budgets = BudgetConfig(session_usd=1.0, reserve_usd=0.5)
    async with core_with_chat(tmp_path, budgets=budgets) as (core, chat, alice):
        assert await ask(chat, alice, "pay 900000000") == "paid"
        taken = await chat.submit(alice, C1, "and on")
        end = await chat.wait(taken.message_id)
        assert isinstance(end.error, BudgetExceeded)
        assert (await chat.history(alice, C1))[-1].error.startswith("Budget exceeded: session ")
        other = await chat.open(alice, None)
        assert await ask(chat, alice, "hello", other.session_id) == "hello"
        total, _ = await core.store.ledger.cost(CostQuery(session_id=C1))
        assert total.cost_nanos == 900_000_000


async def test_a_full_queue_refuses_a_message(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path, tuning=Tuning(max_queued=1)) as (core, chat, alice):
        await chat.submit(alice, C1, "hold on")
        await until(assistant(core).held, "it is being answered")
        await chat.submit(alice, C1, "next")
        with pytest.raises(Overloaded):
            await chat.submit(alice, C1, "one more")


async def test_those_who_watch_a_chat_see_all_answers_and_what_came_by_other_ways(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        heard: list[AnyEvent] = []
        core.hub.subscribe(f"session:{C1}", heard.append)
        core.hub.subscribe(f"chat:{C1}", heard.append)
        await ask(chat, alice, "hello")
        await ask(chat, alice, "claude: hello")
        taken = await send(core, "by socket", C1)
        await chat.wait(taken.accepted.message_id)
        deltas = [one.text for one in heard if isinstance(one, ClaudeCodeDelta)]
        assert "".join(deltas) == "hellohelloby socket"
        prompts = [(one.text, one.channel) for one in heard if isinstance(one, ChatPrompt)]
        assert prompts == [("hello", "chat"), ("hello", "chat"), ("by socket", "socket")]


async def test_other_wires_go_on_with_a_chat(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        caller = asked(core).caller
        await ask(chat, alice, "hello")
        taken = await core.operations.messages.send(asked(core), C1, "claude: stays here", None)
        assert (await core.operations.messages.answer(taken)).turn.target is Target.ASSISTANT
        history = await core.operations.queries.history(caller, C1, limit=3, before=None)
        assert [message.message for message in history.messages] == [
            "hello",
            "claude: stays here",
            "claude: stays here",
        ]
        status = await core.operations.queries.status(caller, C1)
        assert (status.kind, status.title, status.status, status.project_path) == ("chat", "hello", "idle", "")
        await send(core, "hold on", C1)
        await until(assistant(core).held, "it is being answered")
        (listed,) = await core.operations.queries.list_sessions(caller, None, active_only=True, limit=9)
        assert listed.status == "active"
        interrupted = await core.operations.sessions.interrupt(caller, C1)
        assert interrupted.partial
        await core.operations.sessions.disconnect(caller, C1)
        assert await core.operations.queries.list_sessions(caller, None, active_only=True, limit=9) == []
        assert await ask(chat, alice, "and on") == "and on"


async def test_a_stop_keeps_the_message_for_the_next_start(tmp_path: Path) -> None:
    async with core_with_chat(tmp_path) as (core, chat, alice):
        taken = await chat.submit(alice, C1, "hold on")
        await until(assistant(core).held, "it is being answered")
        waiting = asyncio.create_task(chat.wait(taken.message_id))
        await asyncio.sleep(0)
        await core.drain(0.0)
        with pytest.raises(ConnectionFailed):
            await waiting
    async with core_with_chat(tmp_path) as (core, chat, alice):
        heard: list[AnyEvent] = []
        core.hub.subscribe(f"session:{C1}", heard.append)
        await until(assistant(core).held, "it is being answered again")
        assert await chat.running(alice, C1) == [taken.message_id]
        assistant(core).release("here")
        assert (await chat.wait(taken.message_id)).result.answer == "here"
