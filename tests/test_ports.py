"""Free ports: nobody else gets them, and each is given once."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.ports import END, FIRST, SHARE, free_port, free_ports

ROOT = Path(__file__).parents[1]


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


def test_each_process_has_ports_of_its_own() -> None:
    asking = [sys.executable, "-c", "from tests.ports import free_port; print(free_port()); input()"]
    with ExitStack() as stack:
        others = [
            stack.enter_context(subprocess.Popen(asking, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True))
            for _ in range(4)
        ]
        ports = [free_port(), *(int(other.stdout.readline()) for other in others if other.stdout)]
        for other in others:
            other.communicate("\n")
    assert len({(port - FIRST) // SHARE for port in ports}) == 5


def test_one_in_use_is_left_out() -> None:
    first = free_port()
    with socket.create_server(("127.0.0.1", first + 1)):
        assert free_ports(2) not in (first, first + 1)
