"""The budget stops a real Claude Code that would never stop, in a subagent as well; the session can be used again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import HANG, World, script

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.usefixtures("one_utc_day")]

TABLES = """
[budgets]
message_usd = 0.5
reserve_usd = 0.1
"""

DEAR = {"input_tokens": 10, "output_tokens": 8000}
"""The usage of one call; it costs about 16 cents with the default model."""


def endless(folder: Path) -> str:
    """Return a prompt whose turn calls the model more often than any budget lets it."""
    look: dict[str, Any] = {"tools": [{"name": "Glob", "input": {"pattern": "*", "path": str(folder)}}], "usage": DEAR}
    return script(*[look] * 40)


@pytest.mark.parametrize("subagent", [False, True])
@pytest.mark.requirement(28)
async def test_a_run_without_an_end_is_ended_by_its_budget(tmp_path: Path, subagent: bool) -> None:
    async with World(tmp_path, tables=TABLES) as world:
        await world.start()
        prompt = endless(world.project())
        if subagent:
            task = {"description": "look", "prompt": prompt, "subagent_type": "general-purpose"}
            prompt = script({"tools": [{"name": "Agent", "input": task}]}, {"text": "done"})
        told = await world.ask(f"look at the code: {prompt}")
        assert told.startswith("Budget exceeded: message spent $0.")
        with closing(world.database()) as database:
            charges = "SELECT sum(nanos), max(nanos) FROM ledger WHERE kind = 'model'"
            spent, dearest = database.execute(charges).fetchone()
        assert spent <= 500_000_000 + dearest
        assert "hi" in await world.ask("claude: say hi")
        checked = await world.daemon.xswarm("db", "check")
        assert checked.code == 0, checked


async def test_a_level_that_is_reached_in_the_midst_of_a_turn_is_told_while_it_runs(tmp_path: Path) -> None:
    async with World(tmp_path, drain=0.1, tables="[budgets]\nuser_daily_usd = 0.5\nreserve_usd = 0.1\n") as world:
        await world.start()
        look = {"tools": [{"name": "Glob", "input": {"pattern": "*", "path": str(world.project())}}], "usage": DEAR}
        assert await world.text(f"look at the code: {script(look, look, HANG)}") == 200
        assert (await world.answer("50 % of your limit of today is spent")).endswith(" of $0.50.")
        assert len(world.turns("running")) == 1
