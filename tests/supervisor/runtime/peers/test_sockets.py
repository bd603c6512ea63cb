"""The kernel, asked for one connection, tells what its table of all connections tells."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from supervisor.runtime.peers.sockets import Found, Socket, find

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
