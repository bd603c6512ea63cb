"""Sums under limits: what running turns hold, what they have used, what was added, and levels told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import Target
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.budgets import Reached, Spent
from supervisor.store.records.acceptance import Acceptance, Raise, Raised
from supervisor.store.records.outbox import OutboxDraft
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


async def test_a_running_turn_holds_its_reservation_or_its_use_if_that_is_more(store: SqliteStore) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    seen: list[Sequence[Spent]] = []

    def look(standing: Sequence[Spent]) -> str | None:
        seen.append(standing)
        return None

    assert await store.budgets.reserve(turn.id, ALICE, S1, 700, look, now_ms=NOW) is None
    assert [(one.scope, one.key, one.held) for one in seen[0]] == [
        ("message", str(turn.id), 0),
        ("session", "s1", 0),
        ("user", "alice", 0),
        ("system", "", 0),
    ]
    standing, used = await store.budgets.standing(None, ALICE, S1, now_ms=NOW)
    assert ([one.held for one in standing], used) == ([700, 700, 700], 0)
    await store.ledger.journal(turn.id, replace(charge(), nanos=900))
    standing, used = await store.budgets.standing(turn.id, ALICE, S1, now_ms=NOW)
    assert ([(one.held, one.used) for one in standing], used) == ([(0, 900)] * 4, 900)
    standing, _ = await store.budgets.standing(None, UserId("bob"), None, now_ms=NOW)
    assert [(one.scope, one.held, one.used) for one in standing] == [("user", 0, 0), ("system", 900, 900)]
    await store.turns.finish(turn.id, outcome())
    standing, _ = await store.budgets.standing(None, ALICE, S1, now_ms=NOW)
    assert [(one.held, one.used, one.nanos) for one in standing] == [(0, 0, 900)] * 3
    standing, used = await store.budgets.standing(turn.id, ALICE, S1, now_ms=NOW)
    assert ([(one.held, one.used, one.nanos) for one in standing], used) == ([(0, 0, 900)] * 4, 0)


async def test_use_and_alerts_of_a_message_are_its_own(store: SqliteStore) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    await store.ledger.journal(turn.id, replace(charge(), nanos=900))
    await store.turns.finish(turn.id, outcome())
    standing, _ = await store.budgets.standing(turn.id, ALICE, S1, now_ms=NOW)
    reached = Reached(
        spent=standing[0], levels=[50], recipients=[], drafts=lambda *_: [], coded=frozenset(), until_ms=NOW, limit=1
    )
    assert await store.budgets.told([reached], now_ms=NOW) == [reached]
    for turn_id, seen in ((turn.id, (900, 0, 50)), (turn.id + 1, (0, 0, 0))):
        standing, _ = await store.budgets.standing(turn_id, ALICE, S1, now_ms=NOW + 86_400_000)
        assert (standing[0].nanos, standing[0].used, standing[0].told) == seen


async def test_an_objection_sets_nothing_aside(store: SqliteStore) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    assert await store.budgets.reserve(turn.id, ALICE, S1, 700, lambda standing: "no", now_ms=NOW) == "no"
    standing, _ = await store.budgets.standing(None, ALICE, S1, now_ms=NOW)
    assert [one.held for one in standing] == [0, 0, 0]


def added(nanos: int, result: Raised) -> str:
    return f"{nanos} in all" if result is Raised.ADDED else f"{nanos} in all already"


def adding(nanos: int, key: str | None) -> Acceptance:
    """Return a message that adds to alice's limit of the day, which is raised by 12 at most."""
    more = Raise(scope="user", key="alice", day=DAY, nanos=nanos, most=12, told=added)
    fields: dict[str, Any] = {
        "target": Target.COMMAND,
        "lane": "refused/alice",
        "refusals": [draft(text="")],
        "raises": more,
    }
    return prompt(**fields, dedup_key=key)


async def raised(store: SqliteStore, now_ms: int = NOW) -> list[int]:
    standing, _ = await store.budgets.standing(None, ALICE, None, now_ms=now_ms)
    return [one.raised for one in standing]


async def test_a_message_raises_a_limit_once_however_often_it_comes(tmp_path: Path) -> None:
    for duplicate in (False, True):  # the second time after a restart
        store = await open_store(tmp_path / "x.db", seal=seal)
        accepted = await store.turns.accept(adding(5, "SM1"))
        assert accepted.duplicate is duplicate
        assert (await store.turns.accept(adding(5, "SM1"))).duplicate
        assert await raised(store) == [5, 0]
        assert [row.text for row in await store.outbox.due("sms", now_ms=NOW, limit=9)] == ["5 in all"]
        await store.close()


async def test_messages_at_once_with_one_key_raise_a_limit_once(store: SqliteStore) -> None:
    ends = await asyncio.gather(*(store.turns.accept(adding(1, "SM1")) for _ in range(20)))
    assert [end.duplicate for end in ends].count(False) == 1
    assert await raised(store) == [1, 0]


async def test_a_limit_is_raised_up_to_a_bound(store: SqliteStore) -> None:
    texts = []
    for key in ("SM1", "SM2", "SM3"):
        accepted = await store.turns.accept(adding(5, key))
        found = await store.turns.result(accepted.message_id)
        assert found is not None
        assert found.answer == found.turn.reason
        texts.append(found.answer)
    assert texts == ["5 in all", "10 in all", "10 in all already"]
    await store.turns.accept(adding(2, "SM4"))
    assert await raised(store) == [12, 0]
    assert await raised(store, NOW + 86_400_000) == [0, 0]
    assert await store.audit.verify() is None


async def test_a_level_is_told_once(store: SqliteStore) -> None:
    def drafts(user_id: UserId, code: str) -> list[OutboxDraft]:
        return [draft(text=f"ADD 5 {code}")]

    spent = Spent(scope="user", key="alice", day=DAY, nanos=9, held=0, used=0, raised=0, told=0)
    reached = Reached(
        spent=spent,
        levels=[50, 80],
        recipients=[ALICE],
        drafts=drafts,
        coded=frozenset({ALICE}),
        until_ms=NOW + 9,
        limit=1,
    )
    assert await store.budgets.told([reached], now_ms=NOW) == [reached]
    assert await store.budgets.told([reached], now_ms=NOW) == []
    for day, levels in ((NOW, [80, 0]), (NOW + 86_400_000, [0, 0])):
        standing, _ = await store.budgets.standing(None, ALICE, None, now_ms=day)
        assert [one.told for one in standing] == levels
    (row,) = await store.outbox.due("sms", now_ms=NOW, limit=9)
    code = await store.codes.find(row.text.removeprefix("ADD 5 "))
    assert code is not None
    assert (code.ref, code.user_id, code.until_ms) == (f"user/{DAY}/alice", ALICE, NOW + 9)
