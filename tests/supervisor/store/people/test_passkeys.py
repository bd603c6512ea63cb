"""Rows of passkeys: kept once, used in order, gone with their user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.store import open_store
from supervisor.store.ports.people.passkeys import Passkey
from supervisor.store.ports.people.sign_in import Visitor, Way
from supervisor.store.records.accounts import User
from tests.supervisor.store.builders import NOW, seal

ALICE = UserId("alice")
PASSKEY = Passkey(
    id=b"id", user_id=ALICE, public_key=b"key", sign_count=3, name="phone", root=Way.TERMINAL, created_ms=NOW
)


async def test_a_passkey_is_kept_once_used_in_order_and_removed_with_its_user(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", seal=seal)
    await store.accounts.put_user(User(id=ALICE, name="Alice", role=Role.ADMIN), now_ms=NOW)
    assert not await store.passkeys.any()
    assert await store.passkeys.add(PASSKEY, Visitor(), now_ms=NOW)
    assert not await store.passkeys.add(PASSKEY, Visitor(), now_ms=NOW)
    assert await store.passkeys.any()
    assert await store.passkeys.get(b"id") == PASSKEY
    assert await store.passkeys.get(b"other") is None
    assert await store.passkeys.used(PASSKEY, 4, now_ms=NOW + 1)
    assert not await store.passkeys.used(PASSKEY, 4, now_ms=NOW + 2), "its copy has counted in the meantime"
    assert await store.passkeys.of(ALICE) == [replace(PASSKEY, sign_count=4, used_ms=NOW + 1)]
    assert not await store.passkeys.remove(b"id", UserId("bob"), Visitor(), now_ms=NOW)
    await store.accounts.remove_user(ALICE, now_ms=NOW)
    assert not await store.passkeys.any()
    await store.close()
