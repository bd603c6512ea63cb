"""The audit trail: chained, and read from any entry on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.store import open_store
from tests.supervisor.store.builders import NOW, seal


async def test_entries_are_read_from_any_of_them_on(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", seal=seal)
    before = await store.audit.last()
    for number in range(3):
        await store.audit.record("cli", "user.added", {"n": number}, now_ms=NOW + number)
    assert await store.audit.last() == before + 3
    found = await store.audit.entries(after=before + 1, limit=9)
    assert [(entry.seq, entry.actor, entry.detail, entry.at_ms) for entry in found] == [
        (before + 2, "cli", {"n": 1}, NOW + 1),
        (before + 3, "cli", {"n": 2}, NOW + 2),
    ]
    assert len({entry.mac for entry in found}) == 2
    assert [entry.seq for entry in await store.audit.entries(after=0, limit=1)] == [1]
    assert await store.audit.entries(after=before + 3, limit=9) == []
    await store.close()


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE seq = 2", "audit row 2 was changed"),
        ("UPDATE audit SET detail = '{}' WHERE seq = 2", "audit row 2 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "audit row 2 is missing"),
    ],
)
async def test_tampering_with_the_audit_trail_is_named(tmp_path: Path, tampering: str, told: str) -> None:
    store = await open_store(tmp_path / "x.db", seal=seal)
    for number in range(3):
        await store.audit.record("cli", "user.added", {"n": number}, now_ms=NOW)
    assert await store.audit.verify() is None
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(tampering)
    assert await store.audit.verify() == told
    await store.close()
