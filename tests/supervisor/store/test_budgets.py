"""Sums under limits: what running turns hold, what they have used, what was added, and levels told once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.protocol.messages import SessionId, UserId
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.budgets import Reached, Spent
from supervisor.store.records import OutboxDraft
from tests.supervisor.store.builders import NOW, charge, draft, outcome, prompt, running, seal, with_session

ALICE, S1 = UserId("alice"), SessionId("s1")
DAY = NOW // 86_400_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store, open."""
    store = await open_store(tmp_path / "x.db", seal=seal)
    yield store
    await store.close()


def nothing_against_it(standing: Sequence[Spent]) -> None:
    return None


async def test_a_running_turn_holds_what_it_set_aside_or_used_where_that_is_more(store: SqliteStore) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    seen: list[Sequence[Spent]] = []

    def look(standing: Sequence[Spent]) -> str | None:
        seen.append(standing)
        return None

    assert await store.budgets.reserve(turn.id, ALICE, S1, 700, look, now_ms=NOW) is None
    assert [(one.scope, one.key, one.held) for one in seen[0]] == [
        ("session", "s1", 0),
        ("user", "alice", 0),
        ("system", "", 0),
    ]
    standing, used = await store.budgets.standing(None, ALICE, S1, now_ms=NOW)
    assert ([one.held for one in standing], used) == ([700, 700, 700], 0)
    await store.ledger.journal(turn.id, replace(charge(), nanos=900))
    standing, used = await store.budgets.standing(turn.id, ALICE, S1, now_ms=NOW)
    assert ([one.held for one in standing], used) == ([0, 0, 0], 900)
    standing, _ = await store.budgets.standing(None, UserId("bob"), None, now_ms=NOW)
    assert [(one.scope, one.held) for one in standing] == [("user", 0), ("system", 900)]
    await store.turns.finish(turn.id, outcome())
    standing, _ = await store.budgets.standing(None, ALICE, S1, now_ms=NOW)
    assert [(one.held, one.nanos) for one in standing] == [(0, 900)] * 3


async def test_an_objection_sets_nothing_aside(store: SqliteStore) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    assert await store.budgets.reserve(turn.id, ALICE, S1, 700, lambda standing: "no", now_ms=NOW) == "no"
    standing, _ = await store.budgets.standing(None, ALICE, S1, now_ms=NOW)
    assert [one.held for one in standing] == [0, 0, 0]


async def test_a_limit_is_raised_up_to_a_bound(store: SqliteStore) -> None:
    add = store.budgets.add
    assert await add("user", "alice", DAY, 5, most=12, by="alice", now_ms=NOW) == 5
    assert await add("user", "alice", DAY, 5, most=12, by="alice", now_ms=NOW) == 10
    assert await add("user", "alice", DAY, 5, most=12, by="alice", now_ms=NOW) is None
    standing, _ = await store.budgets.standing(None, ALICE, None, now_ms=NOW)
    assert [one.raised for one in standing] == [10, 0]
    tomorrow, _ = await store.budgets.standing(None, ALICE, None, now_ms=NOW + 86_400_000)
    assert [one.raised for one in tomorrow] == [0, 0]
    assert await store.audit.verify() is None


async def test_a_level_is_told_once(store: SqliteStore) -> None:
    def drafts(user_id: UserId, code: str) -> list[OutboxDraft]:
        return [draft(text=f"ADD 5 {code}")]

    spent = Spent(scope="user", key="alice", day=DAY, nanos=9, held=0, raised=0)
    reached = Reached(spent=spent, level=80, recipients=[ALICE], drafts=drafts, coded=True, until_ms=NOW + 9)
    assert await store.budgets.told([reached], now_ms=NOW) == [reached]
    assert await store.budgets.told([reached], now_ms=NOW) == []
    (row,) = await store.outbox.due("sms", now_ms=NOW, limit=9)
    code = await store.codes.find(row.text.removeprefix("ADD 5 "))
    assert code is not None
    assert (code.ref, code.user_id, code.until_ms) == (f"user/{DAY}/alice", ALICE, NOW + 9)
