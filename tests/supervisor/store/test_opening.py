"""The engine is chosen by the address; PostgreSQL needs its driver."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.store import SqliteStore, open_database
from supervisor.store.opening import inspect_database
from tests.supervisor.store.builders import seal


async def test_without_an_address_it_is_sqlite(tmp_path: Path) -> None:
    store = await open_database("", None, tmp_path / "x.db", seal=seal)
    assert isinstance(store, SqliteStore)
    await store.close()
    assert inspect_database("", None, tmp_path / "x.db").users == 0


async def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.startswith("supervisor.store.postgres.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match="PostgreSQL needs a driver") as refused:
        await open_database("postgresql://db/xswarm", None, tmp_path / "x.db", seal=seal)
    assert "xswarm[postgres]" in refused.value.remedy
