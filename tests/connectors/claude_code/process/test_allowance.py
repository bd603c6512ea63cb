"""Memory and processes of a real process tree, and its limits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import MB, Allowance, members, proportional, resident, yield_first
from supervisor.protocol.conversation import ProcessIdentity
from tests.waiting import wait_until

FAMILY = """
import os, sys, time
held = bytearray(64_000_000)
for number in range(3):
    if os.fork() == 0:
        break
print("here", flush=True)
time.sleep(1000)
"""
"""Four processes that share 64 MB, to which none has written since the fork."""


@pytest.fixture
def family() -> Iterator[list[int]]:
    with subprocess.Popen([sys.executable, "-ISc", FAMILY], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(4):
            process.stdout.readline()
        pids = members(tree.identify(process.pid), tree.table())
        yield pids
        for pid in reversed(pids):
            os.kill(pid, 9)


def test_a_tree_is_its_root_and_all_below_it(family: list[int]) -> None:
    root = tree.identify(family[0])
    assert len(family) == 4
    assert set(family[1:]) == {identity.pid for identity in tree.descendants(root.pid)}
    another = ProcessIdentity(pid=root.pid, started=root.started + 1, boot_id=root.boot_id)
    assert members(another, tree.table()) == []


def test_what_processes_share_is_taken_once(family: list[int]) -> None:
    assert resident(family) > 4 * 64 * MB
    assert 64 * MB < proportional(family) < 2 * 64 * MB
    assert Allowance(memory_mb=160).excess(family) is None


@pytest.mark.requirement(26)
def test_too_much_memory_is_said_with_a_remedy(family: list[int]) -> None:
    excess = Allowance(memory_mb=50).excess(family)
    assert excess is not None
    assert excess.why.startswith("it needed more than 50 MB of memory (")
    assert "claude_code.session_memory_mb" in excess.remedy


def test_too_many_processes_are_said_with_a_remedy(family: list[int]) -> None:
    assert Allowance(processes=4).excess(family) is None
    excess = Allowance(processes=3).excess(family)
    assert excess is not None
    assert excess.why == "it needed more than 3 processes at the same time and was ended"
    assert "claude_code.session_processes" in excess.remedy


def test_zero_is_no_limit(family: list[int]) -> None:
    assert not Allowance()
    assert Allowance().excess(family) is None


def test_the_kernel_takes_them_before_it_takes_us(family: list[int]) -> None:
    yield_first(family, 500)
    assert {Path(f"/proc/{pid}/oom_score_adj").read_text().strip() for pid in family} == {"500"}
    assert Path("/proc/self/oom_score_adj").read_text().strip() != "500"


def test_processes_that_are_gone_take_nothing(family: list[int]) -> None:
    os.kill(family[-1], 9)
    wait_until(lambda: (entry := tree.look_up(family[-1])) is None or entry.gone, "it is gone")
    assert (resident(family[-1:]), proportional(family[-1:])) == (0, 0)
    yield_first(family[-1:], 500)
