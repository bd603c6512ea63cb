"""Lists that people page through: messages, replies, dropped messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.protocol.messages import Address, MessageId, OutboxId, Reply, UserId
from supervisor.protocol.status import OutboxState, TurnState
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.lists.lists import ListFilter
from supervisor.store.records.outbox import OutboxDraft
from tests.supervisor.store.builders import NOW, question, seal

MAIL = Reply(channel="mail", to=Address(kind="mail", value="ann@example.com"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open store."""
    opened = await open_store(tmp_path / "x.db", seal=seal)
    yield opened
    await opened.close()


async def test_replies_are_filtered_and_paged_newest_first(store: SqliteStore) -> None:
    for number in range(4):
        draft = OutboxDraft(id=OutboxId(f"r{number}"), reply=MAIL, text="hello")
        await store.outbox.add(draft, user_id=UserId("ann" if number % 2 else "bob"), now_ms=NOW + number)
    await store.outbox.dead(OutboxId("r0"), "no such address", now_ms=NOW)

    async def ids(where: ListFilter, before: str | None = None, limit: int = 9) -> list[str]:
        start = OutboxId(before) if before else None
        return [row.id for row in await store.lists.replies(where, before=start, limit=limit)]

    assert await ids(ListFilter(), limit=3) == ["r3", "r2", "r1"]
    assert await ids(ListFilter(), before="r1") == ["r0"]
    assert await ids(ListFilter(), before="unknown") == []
    assert await ids(ListFilter(user_id=UserId("ann"))) == ["r3", "r1"]
    assert await ids(ListFilter(channel="sms")) == []
    for state in ("failed", OutboxState.DEAD):
        assert await ids(ListFilter(state=state)) == ["r0"]
    assert await ids(ListFilter(state=OutboxState.PENDING, channel="mail"), limit=2) == ["r3", "r2"]
    for state in (OutboxState.SENDING, OutboxState.SENT, OutboxState.UNDELIVERED):
        assert await ids(ListFilter(state=state)) == []


async def test_messages_are_filtered_and_paged_newest_first(store: SqliteStore) -> None:
    for number in range(3):
        channel = "sms" if number else "mail"
        await store.turns.accept(question(message_id=MessageId(f"m{number}"), channel=channel))

    async def ids(where: ListFilter, before: str | None = None, limit: int = 9) -> list[str]:
        start = MessageId(before) if before else None
        return [one.message_id for one in await store.lists.messages(where, before=start, limit=limit)]

    assert await ids(ListFilter(), limit=2) == ["m2", "m1"]
    assert await ids(ListFilter(), before="m1") == ["m0"]
    assert await ids(ListFilter(channel="mail")) == ["m0"]
    assert await ids(ListFilter(state=TurnState.PENDING, project="nowhere")) == []
    assert await ids(ListFilter(state=TurnState.PENDING, channel="sms")) == ["m2", "m1"]
    for state in (TurnState.RUNNING, TurnState.COMPLETED):
        assert await ids(ListFilter(state=state)) == []
    assert await ids(ListFilter(user_id=UserId("nobody"))) == []


async def test_dropped_messages_of_all_channels_are_paged(store: SqliteStore) -> None:
    for channel in ("mail", "sms", "mail"):
        await store.dropped.add(channel, "eve@example.com", "a stranger", None, now_ms=NOW)
    assert [one.channel for one in await store.lists.dropped("", before=None, limit=2)] == ["mail", "sms"]
    assert [one.id for one in await store.lists.dropped("mail", before=3, limit=9)] == [1]
