"""Replies that wait for long or were given up are found; those whose recipient is away are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.delivery.trouble import FAILED_MS, LATE_MS, ReplyTrouble
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, OutboxId, Reply
from supervisor.store import SqliteStore, open_store
from supervisor.store.records.outbox import OutboxDraft
from tests.supervisor.harness import seal

NOW = 1_800_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield opened
    await opened.close()


async def _add(store: SqliteStore, to: str, *, channel: str = "mail") -> OutboxId:
    reply = Reply(channel=channel, to=Address(kind="mail", value=to))
    draft = OutboxDraft(id=OutboxId(uuid7()), reply=reply, text="hello")
    await store.outbox.add(draft, user_id=None, now_ms=NOW)
    return draft.id


async def _found(store: SqliteStore, after_ms: int) -> list[OutboxId]:
    trouble = ReplyTrouble(store.outbox, clock=lambda: NOW + after_ms)
    return [row.id for row in await trouble.list(None, limit=10)]


async def test_the_first_of_a_line_that_waits_is_late(store: SqliteStore) -> None:
    failing, never_tried, unknown = [await _add(store, f"{name}@x.test") for name in ("ann", "bo", "cy")]
    await _add(store, "ann@x.test")
    await store.outbox.begin(failing, now_ms=NOW)
    await store.outbox.retry(failing, "busy", not_before_ms=NOW + 2 * LATE_MS, count=True)
    await store.outbox.begin(unknown, now_ms=NOW)
    assert await _found(store, LATE_MS - 1) == []
    assert await _found(store, LATE_MS) == [failing, never_tried, unknown]


async def test_a_reply_whose_recipient_is_away_is_not_late(store: SqliteStore) -> None:
    parked = await _add(store, "token", channel="socket")
    await _add(store, "token", channel="socket")
    await store.outbox.begin(parked, now_ms=NOW)
    await store.outbox.retry(parked, "offline", not_before_ms=NOW + FAILED_MS, count=False)
    assert await _found(store, LATE_MS) == []


async def test_a_reply_that_was_given_up_is_listed_for_a_day(store: SqliteStore) -> None:
    dead = await _add(store, "ann@x.test")
    await store.outbox.begin(dead, now_ms=NOW)
    await store.outbox.dead(dead, "it cannot be composed", now_ms=NOW)
    assert await _found(store, 0) == [dead]
    assert await _found(store, FAILED_MS) == []
