"""The guard refuses what leaves the machine, remembers it, and lets loopback pass."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from tests.network_guard import NetworkGuard, OutsideLoopback

# Reserved for documentation by RFC 5737 and RFC 3849: nobody answers there.
ELSEWHERE = "192.0.2.1"
ELSEWHERE_6 = "2001:db8::1"


def test_connecting_elsewhere_is_refused_and_remembered(network_guard: NetworkGuard) -> None:
    with socket.socket() as endpoint, pytest.raises(OutsideLoopback, match=ELSEWHERE):
        endpoint.connect((ELSEWHERE, 9))
    assert network_guard.clear() == [f"socket.connect to '{ELSEWHERE}'"]


def test_connecting_elsewhere_by_ipv6_is_refused(network_guard: NetworkGuard) -> None:
    with socket.socket(socket.AF_INET6) as endpoint, pytest.raises(OutsideLoopback, match=ELSEWHERE_6):
        endpoint.connect((ELSEWHERE_6, 9))
    assert len(network_guard.clear()) == 1


def test_a_datagram_to_elsewhere_is_refused(network_guard: NetworkGuard) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as endpoint, pytest.raises(OutsideLoopback, match=ELSEWHERE):
        endpoint.sendto(b"", (ELSEWHERE, 9))
    assert len(network_guard.clear()) == 1


@pytest.mark.parametrize("look_up", [socket.gethostbyname, lambda name: socket.getaddrinfo(name, 80)])
def test_looking_up_a_name_is_refused(look_up: Callable[[str], object], network_guard: NetworkGuard) -> None:
    with pytest.raises(OutsideLoopback, match=r"host\.example"):
        look_up("host.example")
    assert len(network_guard.clear()) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9"])
def test_loopback_passes(host: str) -> None:
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection((host, port)).close()


def test_unix_sockets_pass() -> None:
    with socket.socket(socket.AF_UNIX) as endpoint, pytest.raises(FileNotFoundError):
        endpoint.connect("/nonexistent/socket")
