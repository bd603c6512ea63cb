"""Which processes are agents, by their environment or that of an ancestor."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.protocol.conversation import PROCESS_MARK
from supervisor.runtime.peers.processes import Processes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is of Linux")

CHILD = "import subprocess; child = subprocess.Popen(['cat'], env={}); print(child.pid, flush=True); child.wait()"


def test_the_child_of_an_agent_is_one_without_the_mark() -> None:
    argv = (sys.executable, "-c", CHILD)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={PROCESS_MARK: "one"}) as agent:
        assert agent.stdout is not None
        child = int(agent.stdout.readline())
        processes = Processes()
        assert processes.is_agent(child)
        assert processes.is_agent(agent.pid)
        assert not processes.is_agent(os.getpid())
        agent.communicate()
    assert not Processes().exists(agent.pid)
    assert not Processes().is_agent(agent.pid)


def test_the_mark_inside_another_value_is_none() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, env={"X": f"{PROCESS_MARK}=one"}) as process:
        assert not Processes().is_agent(process.pid)
        process.communicate()


def test_parents_in_a_circle_end(tmp_path: Path) -> None:
    for pid, parent in ((17, 18), (18, 17)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a b) c) S {parent} 1 1")
    assert not Processes(tmp_path).is_agent(17)
    (tmp_path / "18" / "environ").write_bytes(f"A=b\0{PROCESS_MARK}=one\0".encode())
    assert Processes(tmp_path).is_agent(17)


def test_holders_are_told_apart() -> None:
    with socket.socket() as held:
        inode = os.fstat(held.fileno()).st_ino
        with subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, pass_fds=[held.fileno()], env={PROCESS_MARK: "one"}
        ) as agent:
            processes = Processes()
            assert list(processes.holders(inode, agents=True)) == [agent.pid]
            assert list(processes.holders(inode, agents=False)) == [os.getpid()]
            agent.communicate()
    assert not list(Processes().holders(inode, agents=False))


def test_processes_that_hide_their_files_are_known_by_their_user(tmp_path: Path) -> None:
    for pid, uid, files in ((17, 1000, True), (18, 1000, False), (19, 1001, False)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        if files:
            (tmp_path / str(pid) / "exe").symlink_to("/bin/true")
    assert Processes(tmp_path).hidden(1000) == [18]
    assert Processes(tmp_path).uid(20) is None
    assert Processes().name(os.getpid())
