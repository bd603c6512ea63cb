"""`xswarm claude queue`, beside a whole daemon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.world import HANG, World, script
from tests.waiting import until


@pytest.mark.e2e
@pytest.mark.cli_process
async def test_what_waits_is_listed_and_taken_back_from_a_terminal(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        xswarm = world.daemon.xswarm
        assert "Nothing waits" in (await xswarm("claude", "queue")).err
        await world.text("work on the code: " + script(HANG))
        await until(lambda: world.turns("running"), "it runs", 60)
        assert await world.ask("claude: and then this") == "Queued: your message is next in the queue."
        (waiting,) = json.loads((await xswarm("claude", "queue", "--json")).out)
        assert "and then this" in (await xswarm("claude", "queue", waiting["session_id"])).out
        taken = await xswarm("claude", "queue", "--cancel", waiting["message_id"])
        assert taken.code == 0, taken
        assert await world.answer("was not worked on: it was removed from the queue by operator")
        again = await xswarm("claude", "queue", "--cancel", waiting["message_id"])
        assert again.code == 1
        assert "is not queued" in again.err
        assert (await world.ask("ABORT")).startswith("Stopped")
