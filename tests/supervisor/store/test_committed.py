"""What a commit left is told to every watcher, after the commit, and never what was rolled back."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import OutboxId
from supervisor.protocol.status import TurnState
from supervisor.store import open_store
from supervisor.store.committed import Committed, Entry
from tests.supervisor.store.builders import NOW, draft, outcome, prompt, running, seal, with_session
from tests.waiting import until


async def test_entries_are_told_with_their_channel(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    groups: list[Committed] = []
    also: list[Committed] = []
    store.watch(groups.append)
    store.watch(also.append)
    await with_session(store)
    turn = await running(store, prompt())
    await store.turns.finish(turn.id, outcome(TurnState.FAILED, replies=[draft("o1")]))
    await store.outbox.dead(OutboxId("o1"), "no", now_ms=NOW)
    await until(lambda: len([entry for group in groups for entry in group.entries]) >= 3, "all are told")
    told = [entry for group in groups for entry in group.entries]
    channel = turn.channel
    assert told == [Entry("message.accepted", channel), Entry("turn.failed", channel), Entry("reply.dead", "sms")]
    assert all(seconds > 0 for group in groups for seconds in group.seconds)
    assert also == groups
    await store.close()


async def test_what_is_rolled_back_is_told_to_nobody(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    groups: list[Committed] = []
    store.watch(groups.append)

    def breaks(tx: object) -> None:
        tx.record("somebody", "lost.entry", {}, NOW)  # type: ignore[attr-defined]
        raise RuntimeError("no")

    with pytest.raises((StorageError, RuntimeError)):
        await store._database.write(breaks)
    await store.audit.record("somebody", "kept.entry", {}, now_ms=NOW)
    await until(lambda: groups, "the next one is told")
    assert [entry.event for group in groups for entry in group.entries] == ["kept.entry"]
    await store.close()
