"""Control groups: real ones where this machine allows it, and files in plain folders elsewhere."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.claude_code.process import cgroup, tree
from connectors.claude_code.process.allowance import Allowance
from connectors.claude_code.process.cgroup import CONTROLLERS, LEAF, Group, Groups, find_base
from connectors.claude_code.process.fence import NO_FENCE, ladder
from connectors.claude_code.process.process import Process
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import PROCESS_MARK, Finished
from tests.connectors.claude_code.process.victims import ROOT
from tests.connectors.claude_code.support import Policy, make_connector, make_spec, opened, script, tool
from tests.slowness import scaled
from tests.waiting import until, wait_until

ALLOWANCE = Allowance(memory_mb=600, processes=40)
RUNAWAYS = "(env -i setsid sleep 1000 &); (env -i setsid sleep 1000 &); sleep 1000"
"""A shell with children that have left its session, its tree and their mark: only the control group finds them."""
MINE = "0::/\n"
MOUNT = "30 20 0:26 / {point} rw,nosuid - cgroup2 cgroup2 rw\n"


@pytest.fixture
def base() -> Iterator[Path]:
    """A real control group for one test."""
    given = find_base()
    if given is None:
        pytest.skip("no control groups can be made here")
    folder = given / f"test-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    yield folder
    (folder / "cgroup.kill").write_text("1")
    wait_until(lambda: "populated 0" in (folder / "cgroup.events").read_text(), "the group is empty")
    for path, _, _ in os.walk(folder, topdown=False):
        Path(path).rmdir()


def groups_of(base: Path, mark: str = "a" * 32) -> Groups:
    return Groups(base, mark=mark, allowance=ALLOWANCE)


def members(group: Group) -> list[int]:
    return [int(pid) for pid in (group.path / "cgroup.procs").read_text().split()]


async def start(group: Group, command: str) -> Process:
    mark = uuid.uuid4().hex
    env = {"PATH": os.environ["PATH"], PROCESS_MARK: mark}
    return await Process.start(["sh", "-c", command], cwd="/", env=env, fence=NO_FENCE, mark=mark, group=group)


async def test_what_left_its_parents_and_its_mark_ends_with_its_group(base: Path) -> None:
    group = groups_of(base).make("one")
    process = await start(group, RUNAWAYS)
    await until(lambda: len(members(group)) == 4, "all of them run")
    pids = members(group)
    await process.kill(scaled(5.0))
    assert not [pid for pid in pids if (entry := tree.look_up(pid)) is not None and not entry.gone]
    assert not group.path.exists()


async def test_what_left_its_parents_and_its_mark_is_frozen_with_its_group(base: Path) -> None:
    group = groups_of(base).make("one")
    process = await start(group, RUNAWAYS)
    await until(lambda: len(members(group)) == 4, "all of them run")
    assert await process.freeze(scaled(5.0))
    assert "frozen 1" in (group.path / "cgroup.events").read_text()
    process.thaw()
    await until(lambda: "frozen 0" in (group.path / "cgroup.events").read_text(), "they go on")
    assert await process.freeze(scaled(5.0))
    await process.kill(scaled(5.0))
    assert not group.path.exists()


async def test_a_process_that_ended_by_itself_leaves_no_group(base: Path) -> None:
    group = groups_of(base).make("one")
    process = await start(group, "true")
    assert await process.wait(scaled(10.0)) == 0
    assert process.excess() is None
    await process.kill(scaled(5.0))
    await process.kill(scaled(5.0))
    assert not group.path.exists()


async def test_what_a_killed_daemon_left_is_ended_by_the_next_one_and_another_daemons_is_not(base: Path) -> None:
    left, other = groups_of(base).make("one"), groups_of(base, "b" * 32).make("one")
    processes = [await start(left, RUNAWAYS), await start(other, RUNAWAYS)]
    await until(lambda: len(members(left)) == len(members(other)) == 4, "all of them run")
    (empty := groups_of(base).make("two")).path.joinpath("of-its-own").mkdir()
    assert await groups_of(base).end_left_over(scaled(5.0)) == 1
    assert not left.path.exists()
    assert not empty.path.exists()
    assert len(members(other)) == 4
    for process in processes:
        await process.kill(scaled(5.0))


def test_the_daemon_moves_out_of_the_group_that_is_delegated_to_it_and_finds_it_again(base: Path) -> None:
    delegated(base)
    body = """\
        import json, os, sys
        from pathlib import Path
        from connectors.claude_code.process.allowance import Allowance
        from connectors.claude_code.process.cgroup import Groups, find_base
        base = Path(sys.argv[1])
        (base / "cgroup.procs").write_text(str(os.getpid()))
        found = find_base()
        groups = Groups(found, mark="a" * 32, allowance=Allowance())
        groups.prepare()
        again = find_base()
        group = groups.make("one")
        print(json.dumps([str(found), str(again), (base / "cgroup.procs").read_text(), str(group.path)]))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body), str(base)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found, again, held, made = json.loads(ran.stdout)
    assert found == again == str(base)
    assert held == ""
    assert Path(made).parent == base
    assert (base / LEAF).is_dir()


@pytest.mark.requirement(26)
def test_the_kernel_keeps_the_limits_where_it_was_given_the_means(base: Path) -> None:
    given = base.parent
    if not set(CONTROLLERS) <= set((given / "cgroup.controllers").read_text().split()):
        pytest.skip("memory and processes are not controlled by control groups v2 here")
    groups_of(given).prepare()  # it may be ours that holds this process
    groups = Groups(base, mark="a" * 32, allowance=Allowance(memory_mb=100, processes=4))
    groups.prepare()
    group = groups.make("one")
    hungry = [sys.executable, "-c", "held = bytearray(b'x' * 300_000_000)"]
    assert subprocess.run(group.wrap(hungry), check=False).returncode == -9
    excess = group.excess()
    assert excess is not None
    assert excess.why == "it needed more than 100 MB of memory and was ended"
    many = "import threading\nfor _ in range(100): threading.Thread(target=threading.Event().wait, daemon=True).start()"
    said = subprocess.run(group.wrap([sys.executable, "-c", many]), capture_output=True, text=True, check=False).stderr
    assert "can't start new thread" in said


def test_limits_are_written_for_the_controllers_that_are_in_force(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory pids\n")
    groups = groups_of(tmp_path)
    assert "the kernel enforces its limits on memory and processes" in groups.sentence
    group = groups.make("one")
    written = {path.name: path.read_text() for path in group.path.iterdir()}
    assert written == {
        "memory.max": "600000000",
        "memory.oom.group": "1",
        "memory.swap.max": "0",
        "pids.max": "320",
    }


def test_a_group_that_cannot_be_limited_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, text: str) -> int:
        raise OSError(errno.EINVAL, "Invalid argument", str(path))

    (tmp_path / "cgroup.controllers").write_text("memory\n")
    groups = groups_of(tmp_path)
    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(OSError, match=r"memory\.max"):
        groups.make("one")
    assert [path.name for path in tmp_path.iterdir()] == ["cgroup.controllers"]


def test_a_controller_that_is_not_delegated_is_named(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    groups = groups_of(tmp_path)
    assert groups.sentence.endswith("but the kernel enforces no limits on pids")
    assert {path.name for path in groups.make("one").path.iterdir()}.isdisjoint({"pids.max"})


def test_who_was_ended_by_the_kernel_for_its_memory_is_told_so(tmp_path: Path) -> None:
    group = Group(path=tmp_path, allowance=ALLOWANCE)
    assert group.excess() is None
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\noom_group_kill 0\n")
    assert group.excess() is None
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 9\noom_group_kill 1\n")
    excess = group.excess()
    assert excess is not None
    assert excess.why == "it needed more than 600 MB of memory and was ended"
    assert "session_memory_mb" in excess.remedy


def proc(folder: Path, groups: str, mounts: str) -> Path:
    made = folder / "proc"
    made.mkdir()
    (made / "cgroup").write_text(groups)
    (made / "mountinfo").write_text(mounts)
    return made


def tree_of(folder: Path, *groups: str) -> Path:
    """Return the mount point of a tree of groups, made of plain folders."""
    top = folder / "groups"
    for name in ("", *groups):
        (top / name).mkdir(parents=True)
        for file in ("cgroup.procs", "cgroup.subtree_control"):
            (top / name / file).touch()
    return top


def delegated(path: Path) -> Path:
    try:
        os.setxattr(path, "user.delegate", b"1")
    except OSError:
        pytest.skip("no attributes can be set here")
    return path


def test_the_root_of_what_a_container_sees_is_ours(tmp_path: Path) -> None:
    top = tree_of(tmp_path)
    assert find_base(proc(tmp_path, f"4:memory:/elsewhere\n{MINE}", MOUNT.format(point=top))) == top


def test_a_group_that_systemd_delegates_is_ours_from_inside_the_leaf_too(tmp_path: Path) -> None:
    service = "system.slice/xswarm.service"
    top = tree_of(tmp_path, "system.slice", service, f"{service}/{LEAF}")
    base = delegated(top / service)
    folder = proc(tmp_path, f"0::/{service}\n", MOUNT.format(point=top))
    assert find_base(folder) == base
    (folder / "cgroup").write_text(f"0::/{service}/{LEAF}\n")
    assert find_base(folder) == base


@pytest.mark.parametrize(
    ("groups", "mounts"),
    [
        ("0::/user.slice/session-1.scope\n", MOUNT),
        ("0::/../outside\n", MOUNT),
        ("4:memory:/\n", MOUNT),
        (MINE, "30 20 0:26 / {point} rw - cgroup cgroup rw,memory\n"),
        ("0::/gone\n", MOUNT),
    ],
    ids=["not delegated", "outside the namespace", "version 1 alone", "not mounted", "gone"],
)
def test_what_was_not_given_to_us_is_left_alone(groups: str, mounts: str, tmp_path: Path) -> None:
    top = tree_of(tmp_path, "user.slice", "user.slice/session-1.scope")
    assert find_base(proc(tmp_path, groups, mounts.format(point=top))) is None


def test_without_proc_there_are_none(tmp_path: Path) -> None:
    assert find_base(tmp_path / "none") is None
    assert "Delegate=yes" in cgroup.check(None).detail


@pytest.mark.cli_process
async def test_claude_code_and_its_shell_run_in_a_group_that_they_cannot_leave(tmp_path: Path) -> None:
    base = find_base()
    fences = [fence for fence in ladder(os.environ["PATH"]) if fence.mounts]
    if base is None or not fences:
        pytest.skip("no control groups can be made here, or there is no bubblewrap")
    connector = make_connector(tmp_path, fences=fences, sandbox="off")
    assert "each session has a control group" in (await connector.prepare())[-1]
    look = "grep 0:: /proc/self/cgroup"
    leave = f"({look}; echo $$ > {base}/cgroup.procs && echo left; {look}) > said 2>&1"
    async with OfflineModel() as model, opened(connector, make_spec(tmp_path, model.url, Policy())) as reader:
        events = await reader.ask(script({"tools": [tool("Bash", command=leave)]}, {"text": "done"}))
        assert isinstance(events[-1], Finished)
        (mine,) = (path for path in base.glob("xswarm-*") if str(reader.conversation.identity.pid) in _pids(path))
        before, refused, after = (tmp_path / "project" / "said").read_text().splitlines()
    assert before == after
    assert before.endswith(f"/{mine.name}")
    assert "Read-only file system" in refused
    assert not mine.exists()


def _pids(path: Path) -> list[str]:
    return (path / "cgroup.procs").read_text().split()
