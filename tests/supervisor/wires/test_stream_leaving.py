"""`/ws/claude`: clients that leave while the process still starts, and clients that do not read to the end."""

from __future__ import annotations

import json
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.fakes import ScriptedConnector
from tests.supervisor.harness import OPERATOR
from tests.supervisor.wires.http.serving import Served
from tests.waiting import until

LINES = 200
"""Of 64 KiB: more than what the sockets between two processes take in."""


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


async def test_a_client_that_does_not_read_the_last_lines_in_time_is_told_that_they_are_not_all(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Served(tmp_path, connector=connector) as served:
        served.server._stream._last_lines_seconds = 0.2
        url = f"{served.server.url.replace('http', 'ws', 1)}/ws/claude?user_id=alice"
        async with connect(url, additional_headers={"Authorization": f"Bearer {OPERATOR}"}, proxy=None) as client:
            await client.recv()
            await client.send(json.dumps({"prompt": "hold on"}))
            await until(connector.held, "it runs")
            tap = connector.opened[0].spec.tap
            assert tap is not None
            for _ in range(LINES):
                tap("x" * 65_536, False)
            connector.release()

            async def is_over() -> bool:
                return await served.core.store.sessions.live_count() == 0

            await until(is_over, "its session has ended, though nothing was read")
            frames: list[str | bytes] = []
            try:
                while True:
                    frames.append(await client.recv())
            except ConnectionClosed as closed:
                end = closed.rcvd
        assert end is not None
        assert end.code == 1011
        assert json.loads(frames[-1]) == {"error": "Claude Code failed: its client did not read its last lines in time"}
        assert len(frames) < LINES
