"""Whoever descends from an agent decides nothing in a chat, whatever its token."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from supervisor.protocol.conversation import PROCESS_MARK
from supervisor.protocol.messages import UserId
from tests.supervisor.wires.http.serving import Served
from tests.supervisor.wires.test_peers import run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it on Linux alone")

SAY = """
import asyncio, json, sys, websockets
async def say(url, frame):
    async with websockets.connect(url, proxy=None) as socket:
        await socket.recv()
        await socket.send(frame)
        print(await socket.recv())
asyncio.run(asyncio.wait_for(say(*sys.argv[1:]), 20))
"""


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"type": "confirm", "id": "KXQPT", "decision": "allow"}, "notice"),
        ({"type": "user_message", "content": "YES KXQPT"}, "error"),
        ({"type": "user_message", "content": "no kxqpt."}, "error"),
        ({"type": "edit", "message_id": "x", "content": "YES KXQPT"}, "error"),
    ],
)
async def test_a_child_of_an_agent_answers_no_question(tmp_path: Path, frame: dict[str, str], kind: str) -> None:
    async with Served(tmp_path) as served:
        token, _ = served.core.directory.issue_jwt(UserId("alice"), minutes=5)
        url = f"{served.server.url.replace('http', 'ws', 1)}/api/claude-chat/ws?token={token}"
        child = (sys.executable, "-c", SAY, url, json.dumps(frame))
        told = await run(*child, **{PROCESS_MARK: "one"})
        assert (told["type"], told["code"]) == (kind, "not_allowed")
        assert (await run(*child)).get("code") != "not_allowed"
