"""The PostgreSQL engine keeps the store's contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.errors import InvalidMessage
from supervisor.store import Store
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from tests.supervisor.store.builders import seal
from tests.supervisor.store.contract import StoreContract
from tests.supervisor.store.contract_base import Opener

pytestmark = pytest.mark.postgres


class TestPostgresStore(StoreContract):
    """The contract over PostgreSQL."""

    @pytest.fixture
    def opener(self, url: str) -> Opener:
        """Open the same database again and again."""

        async def opened() -> Store:
            return await open_postgres(Address(url, fenced=False), seal=seal)

        return opened

    async def test_a_backup_names_what_to_use_instead(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(InvalidMessage, match="pg_dump"):
            await store.backup(tmp_path / "copy")
