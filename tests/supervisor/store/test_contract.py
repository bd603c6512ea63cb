"""The SQLite engine keeps the store's contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.errors import StorageError
from supervisor.store import Store, open_store
from tests.supervisor.store.builders import prompt, seal, with_session
from tests.supervisor.store.contract import StoreContract
from tests.supervisor.store.contract_base import Opener


class TestSqliteStore(StoreContract):
    """The contract over SQLite."""

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Opener:
        """Open the same file again and again."""

        async def opened() -> Store:
            return await open_store(tmp_path / "state" / "xswarm.sqlite3", seal=seal)

        return opened

    async def test_a_backup_holds_everything_and_is_private(self, store: Store, tmp_path: Path) -> None:
        await with_session(store)
        await store.turns.accept(prompt())
        copy = tmp_path / "copy"
        await store.backup(copy)
        assert copy.stat().st_mode & 0o777 == 0o600
        with pytest.raises(StorageError, match="backup could not be written"):
            await store.backup(tmp_path / "no such folder" / "copy")
        assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy"]
