"""Turns that are part of another: who may be, what becomes of them when that one ends or never ran."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import TurnState
from supervisor.store import SqliteStore, open_store
from supervisor.store.messages.joins import MAX_GATHERED
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn
from tests.supervisor.store.builders import NOW, charge, draft, outcome, prompt, running, seal, with_session


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store with one session, open."""
    opened = await open_store(tmp_path / "xswarm.db", seal=seal)
    await with_session(opened)
    yield opened
    await opened.close()


async def wait(store: SqliteStore, **fields: Any) -> MessageId:
    return (await store.turns.accept(prompt(**fields))).message_id


async def join(store: SqliteStore, message_id: MessageId, host: Turn | None) -> Turn | None:
    def queued(ahead: int) -> Sequence[OutboxDraft]:
        return (draft(text=f"{ahead} ahead"),)

    host_id = host.id if host is not None else None
    return await store.turns.join(message_id, host_id, joined=(draft(text="joined"),), queued=queued, now_ms=NOW)


async def state(store: SqliteStore, message_id: MessageId) -> TurnState:
    found = await store.turns.result(message_id)
    assert found is not None
    return found.turn.state


async def told(store: SqliteStore) -> list[str]:
    return [row.text for row in await store.outbox.due("sms", now_ms=NOW, limit=9)]


async def test_the_next_turn_of_the_lane_becomes_part_of_the_running_one(store: SqliteStore) -> None:
    host = await running(store, prompt())
    message_id = await wait(store)
    part = await join(store, message_id, host)
    assert part is not None
    assert (await state(store, message_id), await told(store)) == (TurnState.WAITING, ["joined"])
    assert await store.turns.start_next("s1", None, now_ms=NOW) is None
    assert await join(store, message_id, host) is None, "it does not wait any more"


async def test_the_sender_of_a_turn_that_does_not_join_gets_its_position(store: SqliteStore) -> None:
    host = await running(store, prompt())
    first, second = await wait(store), await wait(store)
    assert await join(store, second, host) is None, "another stands before it"
    assert await join(store, first, None) is None, "there is nothing to join"
    assert await told(store) == ["2 ahead"], "one text for one phone at a time"
    await store.turns.finish(host.id, outcome())
    assert await join(store, first, host) is None, "it has ended"
    assert [await state(store, one) for one in (first, second)] == [TurnState.PENDING] * 2


async def test_at_the_end_the_first_part_runs_in_its_place_as_host_of_the_others(store: SqliteStore) -> None:
    host = await running(store, prompt())
    parts = [await wait(store) for _ in range(3)]
    for message_id in parts:
        assert await join(store, message_id, host) is not None
    turn = host
    for message_id in parts:
        settled = await store.turns.finish(turn.id, outcome(hosts=True))
        assert settled is not None
        assert settled.following is not None
        assert (settled.following.message_id, settled.following.state) == (message_id, TurnState.RUNNING)
        turn = settled.following
    settled = await store.turns.finish(turn.id, outcome(hosts=True))
    assert settled is not None
    assert settled.following is None
    assert await store.check() == []


async def test_costs_of_a_part_before_its_host_has_ended_are_its_own(store: SqliteStore) -> None:
    host = await running(store, prompt())
    part = await join(store, await wait(store), host)
    assert part is not None
    await store.ledger.journal(part.id, charge("c1", 700))
    first = await store.turns.finish(host.id, outcome(hosts=True))
    second = await store.turns.finish(part.id, outcome())
    assert first is not None
    assert second is not None
    assert (first.cost_nanos, second.cost_nanos) == (0, 700)
    assert await store.ledger.disagreements() == []


async def test_parts_of_a_turn_that_never_ran_wait_again(store: SqliteStore) -> None:
    host = await running(store, prompt())
    message_id = await wait(store)
    await join(store, message_id, host)
    assert await store.turns.requeue(host.id, now_ms=NOW)
    assert await state(store, message_id) is TurnState.PENDING
    again = await store.turns.start_next("s1", None, now_ms=NOW)
    assert again is not None
    assert again.id == host.id


async def test_turns_right_behind_that_may_be_gathered_are_one_turn(store: SqliteStore) -> None:
    ours = [await wait(store, gather=True, text=text) for text in ("one", "two", "three")]
    apart = await wait(store)
    behind = await wait(store, gather=True)
    turn = await store.turns.start_next("s1", None, now_ms=NOW)
    assert turn is not None
    assert [turn.text, *(part.text for part in turn.gathered)] == ["one", "two", "three"]
    assert [await state(store, one) for one in ours] == [TurnState.RUNNING, TurnState.WAITING, TurnState.WAITING]
    assert [await state(store, one) for one in (apart, behind)] == [TurnState.PENDING] * 2


@pytest.mark.parametrize("other", [{"user_id": UserId("bob")}, {"channel": "mail"}, {"gather": False}])
async def test_only_the_same_person_by_the_same_channel_is_gathered(store: SqliteStore, other: dict[str, Any]) -> None:
    await store.turns.accept(prompt(gather=True))
    await store.turns.accept(replace(prompt(gather=True), **other))
    turn = await store.turns.start_next("s1", None, now_ms=NOW)
    assert turn is not None
    assert turn.gathered == ()


async def test_one_prompt_holds_so_many_and_no_more(store: SqliteStore) -> None:
    for _ in range(MAX_GATHERED + 5):
        await store.turns.accept(prompt(gather=True))
    turn = await store.turns.start_next("s1", None, now_ms=NOW)
    assert turn is not None
    assert (len(turn.gathered), await store.turns.pending_count()) == (MAX_GATHERED - 1, 5)
