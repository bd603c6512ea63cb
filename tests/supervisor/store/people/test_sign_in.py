"""Rows of sign-in: an action whose entry cannot be written does not happen, and old rows are forgotten."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.protocol.times import DAY_MS
from supervisor.store import open_store
from supervisor.store.ports.people.sign_in import LinkProblem, NewSession, SignInLink, SignInSession, Visitor, Way
from supervisor.store.records.accounts import User
from tests.supervisor.store.builders import NOW, seal

ALICE = UserId("alice")
LINK = SignInLink(sha256=b"link", user_id=ALICE, way=Way.TERMINAL, expires_ms=NOW + 10)
SESSION = NewSession(sha256=b"session", id="s1", expires_ms=NOW + 100)


async def test_where_the_trail_cannot_be_written_nobody_signs_in(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", seal=seal)
    await store.accounts.put_user(User(id=ALICE, name="Alice", role=Role.ADMIN), now_ms=NOW)
    await store.sign_in.add_link(LINK, None, Visitor(), now_ms=NOW)
    with sqlite3.connect(tmp_path / "x.db") as direct:
        direct.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'no entry'); END")
    direct.close()
    with pytest.raises(StorageError):
        await store.sign_in.redeem(b"link", Visitor(), SESSION, now_ms=NOW)
    assert await store.sign_in.sessions() == []
    with sqlite3.connect(tmp_path / "x.db") as direct:
        direct.execute("DROP TRIGGER full")
    direct.close()
    assert isinstance(await store.sign_in.redeem(b"link", Visitor(), SESSION, now_ms=NOW), SignInSession)
    await store.close()


async def test_old_links_are_forgotten_and_old_sessions_end(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", seal=seal)
    await store.accounts.put_user(User(id=ALICE, name="Alice", role=Role.ADMIN), now_ms=NOW)
    await store.sign_in.add_link(LINK, None, Visitor(), now_ms=NOW)
    assert await store.sign_in.begin(SESSION, UserId("nobody"), Way.OIDC, Visitor(), now_ms=NOW) is None
    assert await store.sign_in.begin(SESSION, ALICE, Way.OIDC, Visitor(), now_ms=NOW) is not None
    await store.sign_in.used("s1", now_ms=NOW + 5)
    ((_, session),) = await store.sign_in.sessions()
    assert session.used_ms == NOW + 5
    await store.purge(before_ms=NOW + DAY_MS + 11)
    assert await store.sign_in.sessions() == []
    assert (await store.audit.entries(after=0, limit=9))[-1].event == "signin.ended"
    again = await store.sign_in.redeem(b"link", Visitor(), SESSION, now_ms=NOW)
    assert again is LinkProblem.UNKNOWN
    assert not await store.sign_in.end("s1", by="alice", why="ended", now_ms=NOW)
    await store.close()
