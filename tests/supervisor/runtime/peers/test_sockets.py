"""The kernel, asked for one connection, tells what its table of all connections tells."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.runtime.peers.sockets import Found, Socket, find, is_loopback, is_own, own_addresses
from tests.packaging.project import ROOT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink and /proc are of Linux")

TABLES = Path("/proc/self/..")
"""/proc by another name, with which only the tables are read."""


def inode(held: socket.socket) -> int:
    return os.fstat(held.fileno()).st_ino


@pytest.mark.parametrize(
    ("listening", "host"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1"), ("::", "::1")],
)
def test_one_connection_is_found_by_its_ends(listening: str, host: str) -> None:
    family = socket.AF_INET6 if ":" in listening else socket.AF_INET
    with (
        socket.create_server((listening, 0), family=family, dualstack_ipv6=listening == "::") as server,
        socket.create_connection((host, server.getsockname()[1])) as client,
    ):
        taken, _ = server.accept()
        with taken:
            theirs, ours = taken.getpeername()[:2], taken.getsockname()[:2]
            (asked,) = find(theirs, ours).sockets
            assert (asked.uid, asked.inode) == (os.geteuid(), inode(client))
            assert find(theirs, ours, TABLES) == Found((Socket(asked.uid, asked.inode),), certain=True)
            (own,) = find(ours, theirs).sockets
            assert own.inode == inode(taken)
            client.close()
            (left,) = find(theirs, ours).sockets
            assert left.inode == 0, "nobody holds it any more"


def test_the_addresses_of_this_machine_are_its_own_and_none_is_loopback(tmp_path: Path) -> None:
    assert all(is_own(one) and not is_loopback(one) for one in own_addresses())
    (tmp_path / "net").mkdir()
    (tmp_path / "net/fib_trie").write_text(
        "     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.0.2.9\n        /32 host LOCAL\n"
        "     |-- 192.0.2.255\n        /32 link BROADCAST\n"
    )
    (tmp_path / "net/if_inet6").write_text(
        "00000000000000000000000000000001 01 80 10 80 lo\nfd000000000000000000000000000009 02 40 00 80 eth0\n"
    )
    assert own_addresses(tmp_path) == ["192.0.2.9", "fd00::9"]


def test_a_listening_socket_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert find(server.getsockname(), ("127.0.0.1", 9)) == Found((), certain=True)


def test_a_socket_that_is_bound_to_an_interface_is_found_in_the_table() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        client.connect(server.getsockname())
        (found,) = find(client.getsockname(), client.getpeername()).sockets
        assert found.inode == inode(client)


def test_what_is_no_address_is_found_nowhere() -> None:
    assert find(("nowhere", 1), ("127.0.0.1", 2)).sockets == ()
    assert find(("::1", 1), ("127.0.0.1", 2)).sockets == ()


WITHOUT_NETLINK = """
import ctypes, socket, struct
from supervisor.runtime.peers.agents import comes_from_agent
def step(code, yes, no, value):
    return struct.pack("HBBI", code, yes, no, value)
# seccomp(2): the system call socket (41 on x86-64) with AF_NETLINK (16) fails with EAFNOSUPPORT (97).
filter = b"".join([
    step(0x20, 0, 0, 0), step(0x15, 0, 3, 41), step(0x20, 0, 0, 16), step(0x15, 0, 1, 16),
    step(0x06, 0, 0, 0x00050000 | 97), step(0x06, 0, 0, 0x7FFF0000),
])
steps = ctypes.create_string_buffer(filter, len(filter))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 6, ctypes.addressof(steps)), 16)
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == libc.prctl(22, 2, program, 0, 0) == 0
try:
    socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 4)
except OSError as error:
    print(error.errno)
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
    ends = client.getsockname(), client.getpeername()
    print(comes_from_agent(*ends))
    client.close()
    print(comes_from_agent(*ends))
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls differ")
def test_where_netlink_is_forbidden_the_table_tells() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETLINK], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["97", "False", "True"]
