"""Dropped messages: the newest of each kind, for some time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.protocol.messages import MessageId
from supervisor.store.control.dropped import KEPT_MS, MOST, SqlDropped, forget_dropped
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.sqlite.database import SqliteDatabase
from tests.supervisor.store.builders import NOW, seal


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database, open."""
    database = await SqliteDatabase.open(tmp_path / "dropped.db", seal)
    yield database
    await database.close()


async def test_strangers_push_no_message_of_a_user_out_of_the_list(database: SqliteDatabase) -> None:
    dropped = SqlDropped(database)
    await dropped.add("mail", "ada@example.org", "forged", {"text": "h\u00e9"}, now_ms=NOW)
    for number in range(MOST + 3):
        await dropped.add("mail", f"{number}@example.net", "nobody has it", None, now_ms=NOW)
    found = await dropped.list("mail", limit=2 * MOST)
    assert len(found) == MOST + 1
    assert [one.sender for one in (found[0], found[-2], found[-1])] == [
        f"{MOST + 2}@example.net",
        "3@example.net",
        "ada@example.org",
    ]
    assert found[-1].message == {"text": "h\u00e9"}
    assert await dropped.list("sms", limit=9) == []


async def test_a_message_is_let_in_once(database: SqliteDatabase) -> None:
    dropped = SqlDropped(database)
    await dropped.add("mail", "ada@example.org", "forged", {}, now_ms=NOW)
    (one,) = await dropped.list("mail", limit=9)
    await dropped.let_in(one.id, MessageId("m1"), THE_OPERATOR, now_ms=NOW + 1)
    await dropped.let_in(one.id, MessageId("m2"), THE_OPERATOR, now_ms=NOW + 2)
    again = await dropped.get(one.id)
    assert again is not None
    assert (again.message_id, again.let_in_ms) == ("m1", NOW + 1)
    assert await dropped.get(999) is None


async def test_a_message_is_forgotten_after_its_time(database: SqliteDatabase) -> None:
    dropped = SqlDropped(database)
    await dropped.add("mail", "ada@example.org", "forged", None, now_ms=NOW)
    await database.write(lambda tx: forget_dropped(tx, NOW + KEPT_MS))
    assert len(await dropped.list("mail", limit=9)) == 1
    await database.write(lambda tx: forget_dropped(tx, NOW + KEPT_MS + 1))
    assert await dropped.list("mail", limit=9) == []
