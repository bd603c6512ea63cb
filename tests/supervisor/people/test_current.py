"""Users and tokens are read again when another node has changed them, and nobody is trusted while that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.people import current
from supervisor.people.current import CurrentAccounts
from supervisor.people.identity import digest
from supervisor.protocol.errors import NotAuthenticated, StorageError
from supervisor.store import open_store
from tests.supervisor.harness import OPERATOR, Core, seal


async def test_a_token_that_another_node_revokes_is_refused_after_the_next_look(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        accounts = CurrentAccounts(core.store.elsewhere, core.accounts, core.api.sign_in)
        other = await open_store(tmp_path / "xswarm.db", seal=seal)
        token = await other.accounts.add_token(digest("theirs"), "theirs", None, now_ms=1, expires_ms=None)
        with pytest.raises(NotAuthenticated):
            core.directory.caller("theirs")
        await accounts.look(None)
        assert core.directory.caller("theirs").name == "theirs"
        await other.accounts.revoke_token(token.id, now_ms=2)
        await accounts.look(None)
        with pytest.raises(NotAuthenticated):
            core.directory.caller("theirs")
        await other.close()


async def test_without_looks_nobody_but_the_operator_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Core(tmp_path) as core:
        token = (await core.accounts.create_token(user_id="alice"))["token"]
        accounts = CurrentAccounts(core.store.elsewhere, core.accounts, core.api.sign_in)
        core.directory.trust_while(accounts.are_current)
        assert core.directory.caller(token).user_id == "alice"
        await accounts.look(None)
        assert core.directory.caller(token).user_id == "alice"
        monkeypatch.setattr(current, "STALE_SECONDS", 0.0)
        with pytest.raises(StorageError, match="cannot be checked"):
            core.directory.caller(token)
        assert core.directory.caller(OPERATOR).operator
