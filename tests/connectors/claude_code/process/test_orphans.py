"""Only processes that an earlier daemon has certainly started are ended."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.claude_code.process import tree
from connectors.claude_code.process.orphans import (
    ProcessRecord,
    ProcessRecords,
    end_orphans,
    is_ours,
    make_tmp,
    state_mark,
)
from supervisor.protocol.conversation import STATE_MARK


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"], env={"PATH": os.environ["PATH"]}) as process:
        yield process
        process.kill()


def record(process: subprocess.Popen[bytes], **changes: object) -> ProcessRecord:
    identity = dataclasses.replace(tree.identify(process.pid), **changes)  # type: ignore[arg-type]
    return ProcessRecord(identity=identity, session="s1", tmp="", project="", since=0.0)


@pytest.mark.parametrize("change", [{"started": 1}, {"boot_id": "another boot"}])
async def test_another_process_with_a_recorded_pid_is_left_alone(
    change: dict[str, object], bystander: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    records = ProcessRecords(str(tmp_path))
    records.add(record(bystander, **change))
    assert await end_orphans(str(tmp_path)) == []
    assert bystander.poll() is None
    assert records.all() == []


async def test_a_recorded_process_is_ended(bystander: subprocess.Popen[bytes], tmp_path: Path) -> None:
    ProcessRecords(str(tmp_path)).add(record(bystander))
    (orphan,) = await end_orphans(str(tmp_path))
    assert orphan.gone
    assert orphan.session == "s1"
    assert bystander.wait() == -9


async def test_another_daemons_processes_are_left_alone(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], STATE_MARK: state_mark("/another/state")}
    with subprocess.Popen(["sleep", "1000"], env=env) as process:
        assert await end_orphans(str(tmp_path)) == []
        assert process.poll() is None
        process.kill()


async def test_we_and_our_ancestors_are_spared(tmp_path: Path) -> None:
    records = ProcessRecords(str(tmp_path))
    for pid in (os.getpid(), os.getppid()):
        records.add(ProcessRecord(identity=tree.identify(pid), session="s1", tmp="", project="", since=0.0))
    assert await end_orphans(str(tmp_path)) == []


async def test_broken_records_are_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "processes"
    folder.mkdir()
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"identity": {}}'), ("d", "")):
        (folder / f"{name}.json").write_text(text)
    assert await end_orphans(str(tmp_path)) == []
    assert list(folder.iterdir()) == []


def test_the_temporary_folder_goes_with_the_record(bystander: subprocess.Popen[bytes], tmp_path: Path) -> None:
    tmp = Path(make_tmp())
    (tmp / "file").touch()
    taken = dataclasses.replace(record(bystander), tmp=str(tmp))
    records = ProcessRecords(str(tmp_path))
    records.add(taken)
    records.remove(taken, killed=False)
    assert not tmp.exists()


def test_no_other_folder_is_ever_removed(tmp_path: Path) -> None:
    assert not is_ours("")
    assert not is_ours("/")
    assert not is_ours(str(tmp_path))
    assert not is_ours("/tmp/xswarm-a/../../etc")
    assert not is_ours("/home/xswarm-a")


def test_states_have_marks_of_their_own(tmp_path: Path) -> None:
    link = tmp_path / "link"
    (tmp_path / "state").mkdir()
    link.symlink_to(tmp_path / "state")
    assert state_mark(str(link)) == state_mark(str(tmp_path / "state"))
    assert state_mark(str(link)) != state_mark(str(tmp_path))
