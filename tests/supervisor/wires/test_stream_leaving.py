"""`/ws/claude`: whoever leaves while the process still starts waits for nothing, and leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

from websockets.asyncio.client import connect

from tests.fakes import ScriptedConnector
from tests.supervisor.harness import OPERATOR
from tests.supervisor.wires.serving import Served
from tests.waiting import until


async def test_a_client_that_leaves_while_its_process_starts_starts_none(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    connector.gate.clear()
    async with Served(tmp_path, connector=connector) as served:
        url = f"{served.server.url.replace('http', 'ws', 1)}/ws/claude?user_id=alice"
        async with connect(url, additional_headers={"Authorization": f"Bearer {OPERATOR}"}, proxy=None) as client:
            await client.recv()
            await client.send(json.dumps({"prompt": "hello"}))
            await until(lambda: connector.opening == 1, "its process starts")
        await until(lambda: connector.opening == 0, "its start is given up, though nothing lets it go on")

        async def is_over() -> bool:
            return await served.core.store.sessions.live_count() == 0

        await until(is_over, "its session has ended")
        assert connector.opened == []
        connector.gate.set()
