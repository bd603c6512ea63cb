"""Rows of passphrases: replaced whole, counted in vain, locked after too many."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.store import open_store
from supervisor.store.records.accounts import User
from tests.supervisor.store.builders import NOW, seal

ALICE = UserId("alice")


async def test_a_passphrase_is_replaced_with_its_count(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", seal=seal)
    await store.accounts.put_user(User(id=ALICE, name="Alice", role=Role.ADMIN), now_ms=NOW)
    assert await store.passphrases.get(ALICE) is None
    await store.passphrases.put(ALICE, b"salt", b"hash", now_ms=NOW)
    for number in (1, 0):
        await store.passphrases.tried(ALICE, right=False, most=2, lock_ms=NOW + 5, now_ms=NOW)
        found = await store.passphrases.get(ALICE)
        assert found is not None
        assert (found.wrong, found.locked_ms) == (number, 0 if number else NOW + 5)
    await store.passphrases.put(ALICE, b"other", b"hash", now_ms=NOW)
    found = await store.passphrases.get(ALICE)
    assert found is not None
    assert (found.salt, found.wrong, found.locked_ms) == (b"other", 0, 0)
    await store.passphrases.tried(ALICE, right=False, most=9, lock_ms=NOW, now_ms=NOW)
    await store.passphrases.tried(ALICE, right=True, most=9, lock_ms=NOW, now_ms=NOW)
    found = await store.passphrases.get(ALICE)
    assert found is not None
    assert found.wrong == 0
    await store.close()
