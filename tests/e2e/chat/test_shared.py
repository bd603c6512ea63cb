"""A conversation of several people with a real daemon: the command line says who wrote what."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.e2e.world import ALICE, World
from tests.waiting import until

pytestmark = pytest.mark.e2e

BOB = "+15550101"
TEAM = """
[projects.team]
path = "{path}"
users = ["alice", "bob"]
permissions = "edit"
shared = true
"""


def answered(world: World, body: str) -> bool:
    return body in world.turns("completed")


async def test_history_and_terminal_say_who_wrote_by_text(tmp_path: Path) -> None:
    team = tmp_path / "team"
    team.mkdir()
    async with World(tmp_path, connector="echo", projects=(), tables=TEAM.format(path=team)) as world:
        await world.start()
        bob = {"name": "Bob", "role": "ADMIN", "phones": [BOB], "emails": []}
        assert (await world.operator("PUT", "/api/admin/users/bob", bob)).status_code == 200
        for sender, body in ((ALICE, "one"), (BOB, "two")):
            assert await world.text(f"@team {body}", sender) == 200
            await until(partial(answered, world, body), f"{body} is answered")
        (session,) = (await world.operator("GET", "/api/claude-code/sessions")).json()["sessions"]
        history = await world.daemon.xswarm("claude", "history", session["session_id"])
        lines = history.out.splitlines()
        heads = {text: lines[lines.index(text) - 1].partition(",")[0] for text in ("one", "two")}
        assert heads == {"one": "alice", "two": "bob"}
        shown = (await world.daemon.xswarm("claude", "connect", session["session_id"])).out.splitlines()
        assert [line for line in shown if line.startswith(("alice", "bob", "You"))] == ["alice: one", "bob: two"]
