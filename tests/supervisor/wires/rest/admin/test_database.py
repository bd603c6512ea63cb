"""Backup and check of the database over a real port."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.store import open_store
from tests.supervisor.harness import seal
from tests.supervisor.wires.http.serving import Served, refusal


async def test_database_is_copied_and_the_copy_is_whole(served: Served, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "xswarm.db"
    target.parent.mkdir()
    made = await served.operator.post("/api/admin/backup", json={"path": str(target)})
    assert (made.status_code, made.json()) == (200, {"path": str(target), "bytes": target.stat().st_size})
    copy = await open_store(target, seal=seal)
    assert [user.id for user in await copy.accounts.users()] == ["alice", "bob", "olga"]
    await copy.close()


@pytest.mark.parametrize("path", ["copy.db", "{tmp}/xswarm.db", "{tmp}/missing/copy.db", "{tmp}/a\0b", ""])
async def test_copy_goes_to_a_new_file_only(served: Served, tmp_path: Path, path: str) -> None:
    response = await served.operator.post("/api/admin/backup", json={"path": path.format(tmp=tmp_path)})
    status, code, text = refusal(response)
    assert (status, code) == (422, "invalid_message")
    assert text.startswith("path")


async def test_sound_database_has_no_problems(served: Served) -> None:
    checked = await served.operator.post("/api/admin/check")
    assert (checked.status_code, checked.json()) == (200, {"problems": []})
