"""An operator moves an installation from SQLite to PostgreSQL, as docs/operations.md tells."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        yield world


def name_database(world: World, url: str) -> None:
    """Write `[store] url` into config.toml."""
    text = world.daemon.config.read_text(encoding="utf-8")
    world.daemon.config.write_text(f'{text}\n[store]\nurl = "{url}"\n', encoding="utf-8")


async def test_an_installation_is_moved_and_its_conversations_go_on(world: World, url: str) -> None:
    xswarm = world.daemon.xswarm
    assert "hello" in await world.ask("claude: hello")
    nowhere = await xswarm("db", "copy")
    assert (nowhere.code, "store.url: names no PostgreSQL database" in nowhere.err) == (1, True)
    name_database(world, url)
    beside = await xswarm("db", "copy")
    assert (beside.code, f"another xswarm (pid {world.daemon.pid})" in beside.err) == (1, True)

    assert await world.daemon.stop(signal.SIGKILL) == -signal.SIGKILL
    too_early = await world.daemon.fails_to_start()
    assert (too_early.code, "`xswarm db copy` moves" in too_early.err) == (1, True)
    moved = await xswarm("db", "copy")
    assert moved.code == 0, moved
    assert "each row, the sums and the audit trail are the same in both databases" in moved.out
    assert "xswarm.db.copied" in moved.out
    again = await xswarm("db", "copy")
    assert (again.code, "so it was copied before" in again.err) == (1, True)

    await world.start()
    assert "again" in await world.ask("claude: and again")
    sessions = (await world.operator("GET", "/api/claude-code/sessions")).json()["sessions"]
    assert [session["message_count"] for session in sessions] == [2]
    assert "intact" in (await xswarm("audit", "verify")).out
    assert (await xswarm("db", "check")).code == 0
    assert sorted(path.name for path in world.daemon.state.glob("xswarm.db*")) == ["xswarm.db.copied"]
    for said in (nowhere, beside, too_early, moved, again):
        assert "Traceback" not in said.err
