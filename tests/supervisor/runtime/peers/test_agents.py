"""Which process is at the other end of a connection: one that hides, or left, is taken for an agent's."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.protocol.conversation import PROCESS_MARK
from supervisor.runtime.peers.agents import comes_from_agent, is_agents
from supervisor.runtime.peers.proc import Unknowable
from supervisor.runtime.peers.sockets import is_own
from tests.descriptors import no_free_descriptor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it on Linux alone")


async def test_who_left_before_the_answer_or_hides_is_taken_for_an_agent(tmp_path: Path) -> None:
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ends = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        assert not comes_from_agent(*ends)
        hiding = _proc_without_processes(tmp_path)
        assert comes_from_agent(*ends, proc=hiding)
        writer.close()
        await writer.wait_closed()
        assert comes_from_agent(*ends)
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
    far, near = ("203.0.113.7", 1), ("203.0.113.8", 2)
    assert not comes_from_agent(far, near, proc=tmp_path)
    assert not comes_from_agent(far, near)
    assert not comes_from_agent(("nowhere", 1), near)


async def test_who_left_is_not_taken_for_another_at_the_same_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as person:
        beside = ("127.0.0.2", person.getsockname()[1])
        with socket.create_connection(server.getsockname(), source_address=beside) as agent:
            ends = agent.getsockname(), agent.getpeername()
            assert not comes_from_agent(*ends), "it is ours, as is the other"
        assert comes_from_agent(*ends)
        assert not comes_from_agent(person.getsockname(), person.getpeername())


async def test_what_comes_to_loopback_or_from_an_address_of_ours_never_left_this_machine(tmp_path: Path) -> None:
    outer, inner = ("192.0.2.9", 1), ("127.0.0.1", 2)
    assert comes_from_agent(outer, inner), "whoever left took an outer address for its end"
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("  sl  local_address\n")
    (tmp_path / "net" / "fib_trie").write_text("     |-- 192.0.2.9\n        /32 host LOCAL\n     |-- 192.0.2.0\n")
    (tmp_path / "net" / "if_inet6").write_text(f"{0xFD << 120 | 2:032x} 02 40 00 80     eth0\n")
    for host, own in (("192.0.2.9", True), ("::ffff:192.0.2.9", True), ("fd00::2", True), ("192.0.2.0", False)):
        assert is_own(host, tmp_path) is own
        assert comes_from_agent((host, 1), ("192.0.2.8", 2), proc=tmp_path) is own
    assert is_own("::ffff:127.0.0.1", tmp_path)
    assert not is_own("nowhere", tmp_path)


async def test_an_end_in_the_clothes_of_ipv6_is_found() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port)):
                taken, _ = server.accept()
                with taken:
                    assert not is_agents(taken)


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


@contextmanager
def holding(held: socket.socket, **environment: str) -> Iterator[None]:
    """Let a process with this environment hold a socket, beside us, while the context is entered."""
    holder = subprocess.Popen(["cat"], stdin=subprocess.PIPE, env=environment, pass_fds=[held.fileno()])
    try:
        yield
    finally:
        holder.communicate()


async def test_an_agent_is_found_among_several_holders_of_one_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        ends = client.getsockname(), client.getpeername()
        with holding(client), holding(client):
            assert not comes_from_agent(*ends)
            with holding(client, **{PROCESS_MARK: "one"}), holding(client):
                assert comes_from_agent(*ends)
            assert not comes_from_agent(*ends)


async def test_without_a_free_file_nobody_is_taken_for_an_agent_or_for_none() -> None:
    near, far = socket.socketpair()
    with (
        near,
        far,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        taken, _ = server.accept()
        with taken:
            with no_free_descriptor():
                for connection in (near, taken):
                    with pytest.raises(Unknowable, match="Too many open files"):
                        is_agents(connection)
                with pytest.raises(Unknowable):
                    comes_from_agent(client.getsockname(), client.getpeername(), proc=Path("/proc/self/.."))
                with pytest.raises(Unknowable):
                    is_own("192.0.2.9")
            assert not is_agents(near)
            assert not is_agents(taken)
