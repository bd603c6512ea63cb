"""Free ports: nobody else gets them, and each is given once."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.ports import END, FIRST, free_port, free_ports


def test_they_are_none_that_the_system_lends() -> None:
    lent = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if lent < END:
        pytest.skip("this system lends other ports")
    assert FIRST <= free_port() < END


def test_none_is_given_twice() -> None:
    three = free_ports(3)
    assert {three, three + 1, three + 2}.isdisjoint({free_port(), free_port()})


def test_the_ports_behind_one_are_left_to_the_stand_ins_of_a_demo() -> None:
    assert abs(free_port() - free_port()) > 2


def test_one_in_use_is_left_out() -> None:
    first = free_port()
    with socket.create_server(("127.0.0.1", first + 1)):
        assert free_ports(2) not in (first, first + 1)
