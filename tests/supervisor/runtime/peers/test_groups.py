"""Whoever is in an agent's control group is an agent, also where it has left its parents and its mark."""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.protocol.conversation import DAEMON_GROUP
from supervisor.runtime.peers.agents import comes_from_agent, is_agents
from supervisor.runtime.peers.groups import AgentGroups
from supervisor.runtime.peers.proc import read
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="control groups are of Linux")

CALL = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as mine:
    sys.stdin.read()
"""


def mounted() -> Path | None:
    """Return the own control group of this process; None = it can make none below it."""
    for line in read("/proc/self/mountinfo").decode().splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2"):
            own = next(each[4:] for each in read("/proc/self/cgroup").decode().splitlines() if each.startswith("0::"))
            return Path(fields.split(" ")[4], own)
    return None


@pytest.fixture
def base() -> Path:
    found = mounted()
    if found is None:
        pytest.skip("version 2 of control groups is not mounted")
    return found


@contextmanager
def group_in(base: Path, name: str) -> Iterator[Path]:
    """A control group, while the context is entered."""
    folder = base / name
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error.strerror}")
    try:
        yield folder
    finally:
        (folder / "cgroup.kill").write_text("1")
        wait_until(lambda: "populated 0" in (folder / "cgroup.events").read_text(), "the group is empty")
        for inner in (each for each in folder.iterdir() if each.is_dir()):
            inner.rmdir()
        folder.rmdir()


@contextmanager
def caller(port: int, group: Path | None) -> Iterator[None]:
    """A process without a mark that connects to a port, in a group or in ours."""
    enter = 'echo $$ > "$0" && exec "$@"' if group is not None else 'exec "$@"'
    argv = ["/bin/sh", "-c", enter, str((group or Path()) / "cgroup.procs"), sys.executable, "-c", CALL, str(port)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, env={})
    try:
        yield
    finally:
        process.communicate()


def agents_name() -> str:
    return f"xswarm-{uuid.uuid4().hex[:12]}-one"


def test_a_process_in_an_agents_group_is_an_agent_without_any_mark(base: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, group_in(base, agents_name()) as group:
        (inner := group / "of-its-own").mkdir()
        for place, agent in ((None, False), (group, True), (inner, True)):
            with caller(server.getsockname()[1], place):
                taken, _ = server.accept()
                with taken:
                    assert is_agents(taken) is agent
                    ends = taken.getpeername()[:2], taken.getsockname()[:2]
                    # The table tells no groups of sockets; the processes in the groups are known all the same.
                    assert comes_from_agent(*ends, proc=Path("/proc/self/..")) is agent


def test_a_group_of_another_name_is_no_agents(base: Path) -> None:
    with group_in(base, "xswarm-web.slice") as other, group_in(base, agents_name()) as agents:
        groups = AgentGroups()
        assert other.stat().st_ino not in groups.ids
        assert agents.stat().st_ino in groups.ids


def test_the_groups_beside_the_daemons_own_are_agents(tmp_path: Path) -> None:
    service = tmp_path / "top" / "xswarm.service"
    (service / DAEMON_GROUP).mkdir(parents=True)
    (agents := service / "xswarm-0123456789ab-one").mkdir()
    (agents / "cgroup.procs").write_text("41\n42\n")
    proc = tmp_path / "proc" / "self"
    proc.mkdir(parents=True)
    (proc / "mountinfo").write_text(f"30 20 0:26 / {tmp_path / 'top'} rw - cgroup2 cgroup2 rw\n")
    for own, members in ((f"xswarm.service/{DAEMON_GROUP}", {41, 42}), ("xswarm.service", {41, 42}), ("other", set())):
        (proc / "cgroup").write_text(f"1:name=systemd:/x\n0::/{own}\n")
        assert AgentGroups(tmp_path / "proc").members == members
    (proc / "cgroup").write_text("0::/../elsewhere\n")
    assert AgentGroups(tmp_path / "proc").ids == set()
