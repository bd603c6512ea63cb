"""The audit trail: chained, and read from any entry on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.audit import AuditFilter
from supervisor.store.records.accounts import User
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
@pytest.mark.requirement(32)
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


async def filled(path: Path, count: int) -> SqliteStore:
    """Return a store with one user and `count` more entries, a second apart."""
    store = await open_store(path, seal=seal)
    await store.accounts.put_user(User(id=UserId("ann"), name="Ann", role=Role.ADMIN), now_ms=NOW)
    for number in range(count):
        await store.audit.record("cli", "note", {"n": number}, now_ms=NOW + 1_000 * number)
    return store


def tamper(path: Path, *statements: str) -> None:
    """Change the database as somebody does who has no key of the trail."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)


async def test_old_entries_are_cut_off_up_to_a_sealed_checkpoint(tmp_path: Path) -> None:
    store = await filled(tmp_path / "x.db", 10)
    last = await store.audit.last()
    cut = [await store.audit.cut(before_ms=NOW + 4_000, limit=2, now_ms=NOW) for _ in range(4)]
    assert cut[-1] == 0
    (kept, *_) = await store.audit.entries(after=0, limit=1)
    assert (kept.seq, kept.detail) == (await store.audit.first(), {"n": 4})
    assert sum(cut) == kept.seq - 1
    assert await store.audit.verify() is None
    await store.audit.record("cli", "note", {}, now_ms=NOW)
    assert await store.audit.last() > last
    assert await store.audit.verify() is None
    await store.close()


async def test_the_newest_entry_is_never_cut_off(tmp_path: Path) -> None:
    store = await filled(tmp_path / "x.db", 3)
    while await store.audit.cut(before_ms=2**60, limit=100, now_ms=NOW) > 1:
        pass
    assert [entry.event for entry in await store.audit.entries(after=0, limit=9)][-1] == "audit.cut"
    assert await store.audit.verify() is None
    await store.close()


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        (("UPDATE audit_cuts SET mac = x'00'",), "the checkpoint at audit row {cut} was changed"),
        (("UPDATE audit_cuts SET seq = seq + 1",), "the checkpoint at audit row {next} was changed"),
        (("DELETE FROM audit_cuts",), "audit row 1 is missing"),
        (("DELETE FROM audit",), "audit row {next} is missing, and all behind it"),
        (("DELETE FROM audit", "DELETE FROM audit_cuts"), "audit row 1 is missing, and all behind it"),
    ],
)
async def test_tampering_with_a_cut_trail_is_named(tmp_path: Path, tampering: tuple[str, ...], told: str) -> None:
    store = await filled(tmp_path / "x.db", 10)
    cut = await store.audit.cut(before_ms=NOW + 4_000, limit=100, now_ms=NOW)
    tamper(tmp_path / "x.db", *tampering)
    assert await store.audit.verify() == told.format(cut=cut, next=cut + 1)
    await store.close()


async def test_no_entry_is_deleted_but_by_a_cut(tmp_path: Path) -> None:
    store = await filled(tmp_path / "x.db", 3)
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("DELETE FROM audit WHERE seq = 1")
    await store.close()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (AuditFilter(actor="cli"), [0, 1, 2, 3]),
        (AuditFilter(event="note", since_ms=NOW + 1_000, until_ms=NOW + 3_000), [1, 2]),
        (AuditFilter(event="not"), []),
        (AuditFilter(actor="ann"), []),
    ],
)
async def test_entries_are_filtered(tmp_path: Path, where: AuditFilter, found: list[int]) -> None:
    store = await filled(tmp_path / "x.db", 4)
    entries = await store.audit.entries(after=0, limit=99, where=where)
    assert [entry.detail["n"] for entry in entries] == found
    users = await store.audit.entries(after=0, limit=99, where=AuditFilter(event="user"))
    assert [entry.event for entry in users] == ["user.put"]
    await store.close()


async def test_entries_are_read_backwards_from_any_of_them(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", seal=seal)
    for number in range(4):
        await store.audit.record("cli", f"page.{number % 2}", {}, now_ms=NOW + number)
    found = await store.audit.newest(before=None, limit=3)
    assert [entry.seq for entry in found] == [4, 3, 2]
    assert [entry.seq for entry in await store.audit.newest(before=2, limit=9)] == [1]
    odd = AuditFilter(event="page.1")
    assert [entry.seq for entry in await store.audit.newest(before=4, limit=9, where=odd)] == [2]
    await store.close()
