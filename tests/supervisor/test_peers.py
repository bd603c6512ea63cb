"""Which process is at the other end of a connection: one that hides, or left, is taken for an agent's."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from supervisor.peers import comes_from_agent, is_agents

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it on Linux alone")


async def test_who_left_before_the_answer_or_hides_is_taken_for_an_agent(tmp_path: Path) -> None:
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        own = writer.get_extra_info("sockname")[1]
        assert not comes_from_agent(own, port, local=True)
        hiding = _proc_without_processes(tmp_path)
        assert comes_from_agent(own, port, local=True, proc=hiding)
        writer.close()
        await writer.wait_closed()
        assert comes_from_agent(own, port, local=True)
        done.set()
        await reader.read()


def _proc_without_processes(folder: Path) -> Path:
    """Return a /proc with the sockets of this machine, in which no process shows what it holds."""
    (folder / "net").mkdir()
    for name in ("tcp", "tcp6"):
        (folder / "net" / name).write_text(Path("/proc/net", name).read_text())
    (folder / "17" / "fd").mkdir(parents=True)
    return folder


async def test_what_cannot_be_seen_is_left_to_the_token(tmp_path: Path) -> None:
    assert not comes_from_agent(1, 2, proc=tmp_path)
    assert not comes_from_agent(1, 2)


async def test_we_are_no_agent_whatever_kind_of_socket_we_hold() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert not is_agents(one)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        taken, _ = server.accept()
        with taken:
            assert not is_agents(taken)
            client.close()
            assert is_agents(taken), "whoever left may have been one"
