"""What programs report about their agents: the newest of each owner, for some time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS
from supervisor.store.control import agents
from supervisor.store.control.agents import KEPT_MS, SqlAgents, forget_agents
from supervisor.store.control.audit import SqlAudit
from supervisor.store.records.agents import AgentMessage, AgentOperation, AgentOwner, AgentState
from supervisor.store.sqlite.database import SqliteDatabase
from tests.supervisor.store.builders import NOW, seal

ALICE = AgentOwner(key="user:alice", user_id=UserId("alice"))
BOT = AgentOwner(key="service:bot", user_id=None)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database, open."""
    database = await SqliteDatabase.open(tmp_path / "agents.db", seal)
    yield database
    await database.close()


@pytest.fixture
def store(database: SqliteDatabase) -> SqlAgents:
    """The store of agents."""
    return SqlAgents(database)


def said(content: str, at_ms: int = NOW) -> AgentMessage:
    """Return a message of the planner."""
    return AgentMessage(agent="planner", content=content, kind="message", message_id=None, at_ms=at_ms)


async def contents(store: SqlAgents, owner: AgentOwner, conversation_id: str) -> list[str]:
    """Return what is kept of a conversation."""
    found = await store.conversation(owner, conversation_id)
    assert found is not None
    return [message.content for message in await store.messages(found.number, limit=10_000)]


async def test_a_conversation_is_read_by_its_owner_and_by_whoever_reads_all(store: SqlAgents) -> None:
    await store.start(ALICE, "c1", ["planner", "Claude"], now_ms=NOW)
    assert await store.say(ALICE, "c1", said("one"))
    assert not await store.say(BOT, "c1", said("not mine"))
    assert not await store.end(BOT, "c1", now_ms=NOW)
    for owner in (ALICE, None):
        (found,) = await store.conversations(owner, limit=9)
        assert (found.id, found.agents, found.messages, found.user_id) == ("c1", ["planner", "Claude"], 1, "alice")
    assert await store.conversations(BOT, limit=9) == []
    assert await store.conversation(BOT, "c1") is None
    assert await store.current(ALICE) == "c1"
    assert await store.end(ALICE, "c1", now_ms=NOW + 5)
    assert await store.end(ALICE, "c1", now_ms=NOW + 9)
    (found,) = await store.conversations(ALICE, limit=9)
    assert (found.ended_ms, await store.current(ALICE)) == (NOW + 5, None)


async def test_the_oldest_messages_and_conversations_of_an_owner_make_room(
    store: SqlAgents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "MOST_MESSAGES", 3)
    monkeypatch.setattr(agents, "MOST_CONVERSATIONS", 2)
    await store.start(BOT, "other", [], now_ms=NOW)
    for number in range(3):
        await store.start(ALICE, f"c{number}", [], now_ms=NOW)
    for number in range(5):
        await store.say(ALICE, "c2", said(str(number)))
    assert await contents(store, ALICE, "c2") == ["2", "3", "4"]
    assert [found.id for found in await store.conversations(None, limit=9)] == ["c2", "c1", "other"]
    counts = await store.counts(ALICE)
    assert (counts.conversations, counts.active, counts.messages) == (2, 2, 5)


async def test_the_bytes_of_an_owner_are_bounded_and_the_running_conversation_stays(
    store: SqlAgents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "MOST_BYTES", 10)
    for conversation_id in ("old", "new"):
        await store.start(ALICE, conversation_id, [], now_ms=NOW)
    await store.say(ALICE, "old", said("12345678"))
    await store.say(ALICE, "new", said("äöü"))  # 6 bytes: 14 in all
    assert [found.id for found in await store.conversations(ALICE, limit=9)] == ["new"]
    await store.say(ALICE, "new", said("far more than ten bytes"))
    assert await contents(store, ALICE, "new") == ["äöü", "far more than ten bytes"]


async def test_states_and_operations_are_bounded_too(store: SqlAgents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "MOST_STATES", 2)
    monkeypatch.setattr(agents, "MOST_OPERATIONS", 2)
    for number in range(4):
        await store.set_state(ALICE, AgentState(agent=f"a{number}", state="busy", at_ms=NOW + number))
        operation = AgentOperation(id=f"o{number}", kind="create", path=f"/f{number}", at_ms=NOW + number)
        await store.add_operation(ALICE, operation, None)
    await store.set_state(ALICE, AgentState(agent="a2", state="idle", at_ms=NOW + 9))
    assert [(one.agent, one.state) for one in await store.states(ALICE)] == [("a3", "busy"), ("a2", "idle")]
    assert [one.id for one in await store.operations(ALICE, limit=9)] == ["o3", "o2"]


async def test_an_operation_counts_once_and_is_rolled_back_by_its_owner(store: SqlAgents) -> None:
    await store.start(ALICE, "c1", [], now_ms=NOW)
    operation = AgentOperation(
        id="o1", kind="modify", path="/f", before_hash="a", after_hash="b", before_size=1, after_size=2, at_ms=NOW
    )
    await store.add_operation(ALICE, operation, "c1")
    await store.add_operation(ALICE, operation, None)
    found = await store.conversation(ALICE, "c1")
    assert found is not None
    assert await store.operations(None, number=found.number, limit=9) == [operation]
    assert not await store.rolled_back(BOT, "o1", now_ms=NOW)
    assert await store.rolled_back(ALICE, "o1", now_ms=NOW)
    (back,) = await store.operations(ALICE, limit=9)
    assert back.rolled_back
    assert await store.operation(BOT, "o1") is None
    assert (await store.counts(None)).operations == 1


async def test_reports_are_forgotten_after_their_time(database: SqliteDatabase, store: SqlAgents) -> None:
    await store.start(ALICE, "silent", [], now_ms=NOW)
    await store.say(ALICE, "silent", said("hello"))
    await store.set_state(ALICE, AgentState(agent="a", state="busy", at_ms=NOW))
    await store.add_operation(ALICE, AgentOperation(id="o1", kind="create", path="/f", at_ms=NOW), "silent")
    await database.write(lambda tx: forget_agents(tx, NOW + DAY_MS + 1))
    (found,) = await store.conversations(ALICE, limit=9)
    assert found.ended_ms == NOW
    await database.write(lambda tx: forget_agents(tx, NOW + KEPT_MS + 1))
    counts = await store.counts(None)
    assert (counts.conversations, counts.messages, counts.operations, await store.states(None)) == (0, 0, 0, [])
    left = await database.read(lambda connection: connection.execute("SELECT count(*) FROM agent_messages").fetchone())
    assert left == (0,)


async def test_each_report_leaves_an_entry_without_the_words_of_agents(
    database: SqliteDatabase, store: SqlAgents
) -> None:
    owner = replace(ALICE, source="192.0.2.7")
    operation = AgentOperation(id="o1", kind="write", path="a.py", at_ms=NOW)
    await store.start(owner, "c1", ["planner"], now_ms=NOW)
    await store.say(owner, "c1", said("a secret plan"))
    await store.set_state(owner, AgentState(agent="planner", state="busy", at_ms=NOW))
    for _ in range(2):
        await store.add_operation(owner, operation, "c1")
    await store.rolled_back(owner, "o1", now_ms=NOW)
    await store.end(owner, "c1", now_ms=NOW)
    assert not await store.end(BOT, "c1", now_ms=NOW)
    entries = await SqlAudit(database).entries(after=0, limit=99)
    events = ["started", "said", "state", "changed", "rolled_back", "ended"]
    assert [entry.event for entry in entries] == [f"agents.{event}" for event in events]
    assert {(entry.actor, entry.detail["channel"], entry.detail["from"]) for entry in entries} == {
        ("alice", "http", "192.0.2.7")
    }
    assert "secret" not in str(entries)
