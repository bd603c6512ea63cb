"""A backup never does harm to the database that it copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.errors import InvalidMessage
from supervisor.store import open_store
from tests.supervisor.store.builders import seal


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
async def test_a_backup_is_no_file_that_belongs_to_the_database(suffix: str, tmp_path: Path) -> None:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    other = tmp_path / "link"
    other.symlink_to(tmp_path)
    for folder in (tmp_path, other):
        with pytest.raises(InvalidMessage, match="must not begin with"):
            await store.backup(folder / f"xswarm.db{suffix}")
    await store.backup(tmp_path / "xswarm.db.copy")
    assert await store.check() == []
    await store.close()
