"""Whoever descends from an agent is known by the socket that it holds, whatever its token."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.marks import PROCESS_MARK
from supervisor.wires.peers import comes_from_agent, refuse_agents
from tests.supervisor.harness import SERVICE
from tests.supervisor.wires.serving import Served

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it on Linux alone")

POST = """
import http.client, json, sys
port, token = int(sys.argv[1]), sys.argv[2]
connection = http.client.HTTPConnection("127.0.0.1", port)
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
connection.request("POST", "/api/approvals/KXQPT", json.dumps({"decision": "allow"}), headers)
print(connection.getresponse().read().decode())
"""


async def post(served: Served, **environment: str) -> str:
    """Ask to allow something, from a child of a process with this environment; return the code of the answer."""
    child = [sys.executable, "-c", POST, served.server.url.rpartition(":")[2], SERVICE]
    # The mark stands in the parent alone: an agent can start a child without it.
    parent = f"import subprocess, sys; sys.exit(subprocess.run({child!r}, env={{}}).returncode)"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", parent), env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return str(json.loads(output)["code"])


async def test_a_child_of_an_agent_decides_nothing(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        assert await post(served, **{PROCESS_MARK: "one"}) == "not_allowed"
        assert await post(served) == "approval_not_found"


async def test_what_cannot_be_seen_is_left_to_the_token(tmp_path: Path) -> None:
    assert not comes_from_agent(1, 2, proc=tmp_path)
    assert not comes_from_agent(1, 2)
    await refuse_agents(None, ("127.0.0.1", 1))
    await refuse_agents("/a/unix.sock", "/a/unix.sock")


async def test_a_connection_of_our_own_is_no_agents(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        ours = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*ours)
        await refuse_agents(writer.get_extra_info("sockname"), writer.get_extra_info("peername"))
        writer.close()
        await reader.read()
    assert issubclass(NotAllowed, Exception)
