"""`xswarm claude` with the token of an OPERATOR, against a real core and socket."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from tests.slowness import scaled
from tests.supervisor.wires.socket.socket_serving import Listening

NOT_FOUND = 4
NOT_ALLOWED = 5


async def test_an_operator_sees_the_sessions_and_costs_of_all_but_no_messages(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        service = await listening.client()
        await service.connect(listening.core, "s-of-bob", "bob")
        await service.ask("claude_code_message", session_id="s-of-bob", message="pay 500000000")
        settings = tmp_path / "config.toml"
        settings.write_text(f'[state]\ndir = "{tmp_path / "none"}"\n', encoding="utf-8")
        environ = {
            **os.environ,
            "XSWARM_CONFIG": str(settings),
            "SUPERVISOR_WEBSOCKET_URL": listening.server.url,
            "SUPERVISOR_TOKEN": await listening.core.token("olga"),
        }

        async def claude(*words: str) -> tuple[int | None, str]:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "cli.main", "claude", *words, env=environ, stdout=asyncio.subprocess.PIPE
            )
            async with asyncio.timeout(scaled(60.0)):
                out, _ = await process.communicate()
            return process.returncode, out.decode()

        code, out = await claude("status", "--json")
        assert (code, [one["session_id"] for one in json.loads(out)]) == (0, ["s-of-bob"])
        assert "s-of-bob" in (await claude("status", "s-of-bob"))[1]
        code, out = await claude("cost", "--json")
        assert (code, json.loads(out)["total_usd"]) == (0, 0.5)
        assert (await claude("history", "s-of-bob"))[0] == NOT_FOUND
        assert (await claude("stop", "s-of-bob"))[0] == NOT_FOUND
        assert (await claude("send", "s-of-bob", "hello"))[0] == NOT_FOUND
        start = ("start", "--user", "olga", "--project", str(listening.core.site))
        assert (await claude(*start))[0] == NOT_ALLOWED
