"""`xswarm claude changes` and `undo`, beside a whole daemon with the real Claude Code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import World, script, write_file

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


async def test_changes_are_shown_and_undone_from_a_terminal(world: World) -> None:
    path = world.project() / "a.txt"
    xswarm = world.daemon.xswarm
    assert (await xswarm("claude", "start", "--user", "alice", "--project", "site", "--id", "terminal")).code == 0
    refused = await xswarm("claude", "undo", "terminal")
    assert refused.code == 1
    assert "no turn of this session has changed a file" in refused.err
    sent = await xswarm("claude", "send", "terminal", script(write_file(path, "hello"), {"text": "done"}))
    assert sent.code == 0, sent

    shown = await xswarm("claude", "changes", "erminal")
    assert shown.code == 0, shown
    assert "added     a.txt  (Write)" in shown.out
    assert "+hello" in shown.out
    document = json.loads((await xswarm("claude", "changes", "terminal", "--json")).out)
    assert [file["path"] for file in document["files"]] == ["a.txt"]

    would = await xswarm("claude", "undo", "terminal", "--dry-run")
    assert would.out == "Would take back:\n  a.txt\n"
    assert path.exists()
    done = await xswarm("claude", "undo", "terminal", document["message_id"])
    assert (done.code, done.out) == (0, "Taken back:\n  a.txt\n")
    assert not path.exists()
    assert "was taken back" in (await xswarm("claude", "changes", "terminal")).err
    back = await xswarm("claude", "undo", "terminal")
    assert back.out == "Brought back:\n  a.txt\n"
    assert path.exists()
    odd = script(write_file(world.project() / "b\nadded     c.txt", "hello"), {"text": "done"})
    assert (await xswarm("claude", "send", "terminal", odd)).code == 0
    assert (await xswarm("claude", "changes", "terminal")).out.startswith("added     b?added     c.txt  (Write)\n")
    assert (await xswarm("claude", "undo", "terminal")).out == "Taken back:\n  b?added     c.txt\n"
    unknown = await xswarm("claude", "changes", "nobodys-session")
    assert unknown.code == 4
