"""Shared projects: one conversation of several people, each with their own rights, costs and questions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.commands.abort import AbortCommands
from supervisor.commands.dispatch import Asker
from supervisor.commands.reading.words import Command, Word
from supervisor.config import BudgetConfig, ProjectConfig
from supervisor.operations.work_request import WorkRequest
from supervisor.people.identity import Caller
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import BudgetExceeded, NotAllowed, ProjectNotAllowed, SessionNotFound, TurnFailed
from supervisor.protocol.messages import Address, ProjectName, UserId
from supervisor.protocol.status import Permissions
from supervisor.protocol.times import now_ms
from supervisor.store.records.charge import Charge
from supervisor.store.records.result import Result
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import scripted
from tests.waiting import until

TEAM = ProjectName("team")
USERS = ("alice", "bob", "olga")


def core_with(
    folder: Path, *, shared: bool = True, users: tuple[str, ...] = USERS, budgets: BudgetConfig | None = None
) -> Core:
    path = folder / "team"
    path.mkdir(exist_ok=True)
    table = ProjectConfig(path=str(path), users=users, permissions=Permissions.EDIT, shared=shared)
    return Core(folder, connector=ScriptedConnector(), projects={"team": table}, budgets=budgets)


def caller(user_id: str) -> Caller:
    return Caller(name=user_id, user_id=UserId(user_id))


async def say(core: Core, user_id: str, text: str) -> Result:
    """Let a user write to the project; return what became of it."""
    asked = WorkRequest(caller=caller(user_id), channel="http")
    return await core.operations.messages.answer(
        await core.operations.messages.route(asked, core.directory.user(user_id), f"@team {text}")
    )


def prompts(core: Core) -> list[str]:
    return [text for _, text in scripted(core).prompts]


async def test_another_user_continues_the_shared_conversation_and_is_named_to_the_model(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        first, second = await say(core, "alice", "one"), await say(core, "bob", "two")
        assert first.turn.session_id is not None
        assert first.turn.session_id == second.turn.session_id
        assert prompts(core) == ["one\n\n(written by Alice)", "two\n\n(written by Bob)"]
        page = await core.operations.queries.history(caller("bob"), first.turn.session_id, limit=9, before=None)
        history = page.messages
        assert [(message.message, message.user_id) for message in history if message.direction == "to_claude"] == [
            ("one", "alice"),
            ("two", "bob"),
        ]
        assert all(message.user_id is None for message in history if message.direction == "from_claude")


async def test_concurrent_first_messages_start_one_conversation(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        results = await asyncio.gather(*(say(core, user_id, f"from {user_id}") for user_id in ("alice", "bob") * 5))
        assert len({one.turn.session_id for one in results}) == 1


async def test_without_sharing_each_has_their_own_and_nobody_sees_the_other_one(tmp_path: Path) -> None:
    async with core_with(tmp_path, shared=False) as core:
        first, second = await say(core, "alice", "one"), await say(core, "bob", "two")
        assert first.turn.session_id is not None
        assert first.turn.session_id != second.turn.session_id
        assert prompts(core) == ["one", "two"]
        with pytest.raises(SessionNotFound):
            await core.operations.queries.session(caller("bob"), first.turn.session_id)
        assert await core.operations.queries.result(caller("bob"), first.turn.message_id) is None


async def test_a_private_conversation_stays_private_when_the_project_becomes_shared(tmp_path: Path) -> None:
    async with core_with(tmp_path, shared=False) as core:
        alone = (await say(core, "alice", "my own")).turn.session_id
        assert alone is not None
    async with core_with(tmp_path) as core:
        with pytest.raises(SessionNotFound):
            await core.operations.queries.session(caller("bob"), alone)
        assert (await say(core, "alice", "ours")).turn.session_id != alone
        ours = (await say(core, "bob", "ours")).turn.session_id
        assert ours is not None
    async with core_with(tmp_path, shared=False) as core:  # and back: what was shared is its first user's again
        with pytest.raises(SessionNotFound):
            await core.operations.queries.session(caller("bob"), ours)
        assert (await core.operations.queries.session(caller("alice"), ours)).shared


async def test_all_users_of_the_project_list_see_and_stop_it_and_nobody_else(tmp_path: Path) -> None:
    async with core_with(tmp_path, users=("alice", "bob")) as core:
        shared = (await say(core, "alice", "one")).turn
        assert shared.session_id is not None
        queries = core.operations.queries
        assert [one.id for one in await queries.list_sessions(caller("bob"), None, active_only=True, limit=9)] == [
            shared.session_id
        ]
        assert await queries.result(caller("bob"), shared.message_id) is not None
        await core.accounts.put_user("carol", name="Carol", role="COORDINATOR")
        assert await queries.list_sessions(caller("carol"), None, active_only=False, limit=9) == []
        assert await queries.result(caller("carol"), shared.message_id) is None
        for asks in (queries.session, core.operations.sessions.interrupt, core.operations.sessions.disconnect):
            with pytest.raises(SessionNotFound):
                await asks(caller("carol"), shared.session_id)
        with pytest.raises(ProjectNotAllowed):
            await core.operations.sessions.connect(caller("carol"), shared.session_id, str(tmp_path / "team"), "carol")
        connected = await core.operations.sessions.connect(
            caller("bob"), shared.session_id, str(tmp_path / "team"), "bob"
        )
        assert connected.session_id == shared.session_id
        ended = await core.operations.sessions.disconnect(caller("bob"), shared.session_id)
        assert ended.session_id == shared.session_id


async def test_the_rights_of_the_writer_apply(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        session_id = (await say(core, "alice", "one")).turn.session_id
        assert session_id is not None
        sees = await core.operations.queries.session(caller("olga"), session_id)
        assert sees.user_id == "alice"
        with pytest.raises(NotAllowed):  # an operator reads
            await core.operations.messages.send(
                WorkRequest(caller=caller("olga"), channel="socket"), session_id, "two", None
            )
        taken = await core.operations.messages.send(
            WorkRequest(caller=caller("bob"), channel="socket"), session_id, "three", None
        )
        answered = await core.operations.messages.answer(taken)
        assert (answered.turn.user_id, answered.answer) == ("bob", "three\n\n(written by Bob)")
        await core.accounts.remove_user("bob")
        with pytest.raises(SessionNotFound):
            await core.operations.queries.session(caller("bob"), session_id)


@pytest.mark.usefixtures("one_utc_day")
async def test_each_message_counts_against_the_limit_of_its_writer(tmp_path: Path) -> None:
    limits = BudgetConfig(user_daily_usd=1.0, reserve_usd=0.1)
    async with core_with(tmp_path, budgets=limits) as core:
        first = await say(core, "alice", "one")
        session_id = first.turn.session_id
        assert session_id is not None
        live = core.sessions.live(session_id)
        assert live is not None
        spent = Charge(ref="spent", kind="model", model="m", tokens=Tokens(), nanos=2_000_000_000)
        assert await core.store.ledger.post(None, spent, user_id=UserId("alice"), now_ms=now_ms())
        with pytest.raises(BudgetExceeded, match="Budget exceeded"):
            await say(core, "alice", "two")
        asked = WorkRequest(caller=caller("bob"), channel="socket")
        core.operations.messages.start(await core.operations.messages.send(asked, session_id, "hold on", None))
        await until(scripted(core).held, "bob's turn runs in the session that alice began")
        assert await live.meter.admit("m", 10, most_nanos=1) is None
        scripted(core).release("done")


async def test_a_user_who_only_reads_cannot_undo(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        wrote = await say(core, "alice", "write a.txt new")
        assert wrote.turn.session_id is not None
        turn = await core.undo.find(wrote.turn.session_id, wrote.turn.message_id)
        with pytest.raises(NotAllowed):
            await core.undo.take_back(turn, "olga", user_id=UserId("olga"))
        assert (await core.undo.take_back(turn, "bob", user_id=UserId("bob"))).paths == ("a.txt",)


async def test_an_abort_drops_only_the_messages_of_its_sender(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        running = asyncio.create_task(say(core, "alice", "hold on"), name="alice")
        await until(core.turns.running_turns, "alice's turn runs")
        waiting = [asyncio.create_task(say(core, name, f"from {name}"), name=name) for name in ("alice", "bob")]

        async def both_wait() -> bool:
            return len(await core.store.turns.waiting(lane=None, user_id=None, limit=9)) == 2

        await until(both_wait, "two wait behind it")
        words = AbortCommands(core.store.turns, core.store.elsewhere, core.turns)
        bob = Asker(user=core.directory.user("bob"), channel="sms", sender=Address(kind="sms", value="+15550199"))
        told = await words.answer(Command(Word.ABORT), bob)
        assert told.text == "Dropped 1 queued message."
        with pytest.raises(TurnFailed, match="dropped by ABORT"):
            await waiting[1]
        assert core.turns.running_turns(), "alice's goes on"
        scripted(core).opened[0].release()
        assert (await running).answer == "released"
        assert (await waiting[0]).answer.startswith("from alice")
