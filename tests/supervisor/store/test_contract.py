"""The SQLite engine keeps the store's contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.store import Store, open_store
from tests.supervisor.store.builders import seal
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
