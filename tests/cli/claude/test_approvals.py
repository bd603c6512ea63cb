"""`xswarm claude approvals`, `approve` and `deny`, beside a whole daemon with the real Claude Code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import World, script
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


async def test_questions_are_listed_and_answered_from_a_terminal(world: World) -> None:
    xswarm = world.daemon.xswarm
    assert "Nothing waits" in (await xswarm("claude", "approvals")).err
    done, long = world.project() / "done.txt", "# " + "long " * 200 + "end"
    for command, arguments, happens in (("approve", (), True), ("deny", (), False)):
        call = {"name": "Bash", "input": {"command": f"echo {command} > done.txt\n{long}", "description": "do it"}}
        await world.text("do it in the code: " + script({"tools": [call]}, {"text": f"over: {command}"}))
        question = await world.answer(f"Bash echo {command} > done.txt")
        (waiting,) = json.loads((await xswarm("claude", "approvals", "--json")).out)
        assert f"YES {waiting['code']}" in question
        listed = (await xswarm("claude", "approvals")).out
        assert f"\n{waiting['code']}: Bash echo {command} > done.txt\n{long}\n" in listed, "the call is not cut"
        whole = (await xswarm("claude", "approvals", waiting["code"].lower())).out
        assert f"\nBash echo {command} > done.txt\n{long}\n" in whole
        assert f"{len(long) + len(f'Bash echo {command} > done.txt ')} characters" in " ".join(whole.split())
        assert json.loads((await xswarm("claude", "approvals", waiting["code"], "--json")).out)["state"] == "open"
        decided = await xswarm("claude", command, waiting["code"].lower(), *arguments)
        assert decided.code == 0, decided
        await world.answer(f"over: {command}")
        assert done.exists() is happens
        done.unlink(missing_ok=True)
        again = await xswarm("claude", "approve", waiting["code"])
        assert again.code == 1
        assert "Nothing was allowed" in again.err or "has been used" in again.err
    for verb in ("approve", "approvals"):
        assert (await xswarm("claude", verb, "BBBBB")).code == 4
    await until(lambda: not world.turns("running"), "nothing runs")
