"""Codes: told once, closed once, known for a while after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import UserId
from supervisor.store.control.codes import KEPT_MS, SqlCodes, close, forget_old, issue
from supervisor.store.sqlite.database import SqliteDatabase
from tests.supervisor.store.builders import NOW, seal

ANN, BOB = UserId("ann"), UserId("bob")
MINUTE = 60_000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database, open."""
    database = await SqliteDatabase.open(tmp_path / "codes.db", seal)
    yield database
    await database.close()


async def told(
    database: SqliteDatabase, user: UserId = ANN, kind: CodeKind = CodeKind.TURN, until: int = NOW + MINUTE
) -> str:
    """Return a fresh code."""
    return await database.write(lambda tx: issue(tx, kind, "the thing", user, until))


async def test_a_code_leads_to_what_it_stands_for(database: SqliteDatabase) -> None:
    code = await told(database)
    found = await SqlCodes(database).find(code)
    assert found is not None
    assert (found.kind, found.ref, found.user_id, found.until_ms) == (CodeKind.TURN, "the thing", ANN, NOW + MINUTE)
    assert found.is_open(NOW)
    assert not found.is_open(NOW + MINUTE)
    assert await SqlCodes(database).find("BBBBB" if code != "BBBBB" else "CCCCC") is None


async def test_a_code_is_closed_once_and_still_known(database: SqliteDatabase) -> None:
    code = await told(database)
    assert await database.write(lambda tx: close(tx, code, NOW + 1))
    assert not await database.write(lambda tx: close(tx, code, NOW + 2))
    found = await SqlCodes(database).find(code)
    assert found is not None
    assert (found.closed_ms, found.is_open(NOW + 2)) == (NOW + 1, False)


async def test_open_ones_are_a_users_own_of_one_kind(database: SqliteDatabase) -> None:
    codes = SqlCodes(database)
    late, early = await told(database, until=NOW + 2 * MINUTE), await told(database)
    used = await told(database)
    await database.write(lambda tx: close(tx, used, NOW))
    await told(database, until=NOW)
    await told(database, BOB)
    await told(database, kind=CodeKind.UNDO)
    assert [code.code for code in await codes.open_of(ANN, CodeKind.TURN, now_ms=NOW)] == [late, early]
    assert await codes.open_of(ANN, CodeKind.BUDGET, now_ms=NOW) == []


async def test_old_ones_are_forgotten_in_the_end(database: SqliteDatabase) -> None:
    code = await told(database)
    for before, known in ((NOW + MINUTE + KEPT_MS, True), (NOW + MINUTE + KEPT_MS + 1, False)):
        await database.write(lambda tx, before=before: forget_old(tx, before))  # type: ignore[misc]
        assert (await SqlCodes(database).find(code) is not None) is known
