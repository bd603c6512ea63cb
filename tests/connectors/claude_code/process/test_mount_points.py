"""A sandbox that is killed during a command leaves empty files; they are removed before changes are recorded."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from pathlib import Path

import pytest

from connectors.claude_code.process import mount_points, tree
from connectors.claude_code.process.allowance import Excess
from connectors.claude_code.process.orphans import ProcessRecord, ProcessRecords, end_orphans
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import Failed
from tests.connectors.claude_code.support import HASTY, Policy, make_connector, make_spec, opened, script, tool
from tests.waiting import until


def mount_point(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.touch(0o444)
    path.chmod(0o444)
    return path


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_only_what_bubblewrap_makes_in_the_lifetime_of_the_process_is_removed(tmp_path: Path) -> None:
    since = time.time()
    theirs = [mount_point(tmp_path / name) for name in (".bashrc", ".vscode", ".claude/agents")]
    (tmp_path / ".claude" / ".cc-writes").mkdir()
    mount_point(tmp_path / "empty")
    mount_point(tmp_path / "src" / ".bashrc")
    (tmp_path / ".gitconfig").write_text("mine")
    (tmp_path / ".gitconfig").chmod(0o444)
    (tmp_path / ".npmrc").touch(0o644)
    (tmp_path / ".link").symlink_to(tmp_path / "empty")
    os.link(mount_point(tmp_path / ".profile"), tmp_path / "linked")
    found = mount_points.left_in(str(tmp_path), since=since)
    assert sorted(found) == sorted(theirs)
    mount_points.remove(found)
    kept = {"empty", "src", "src/.bashrc", ".gitconfig", ".npmrc", ".link", ".profile", "linked"}
    assert files(tmp_path) == kept


def test_older_files_are_somebodys_own(tmp_path: Path) -> None:
    mount_point(tmp_path / ".bashrc")
    assert mount_points.left_in(str(tmp_path), since=time.time() + 60) == []


def test_a_folder_of_settings_that_holds_more_stays(tmp_path: Path) -> None:
    mount_point(tmp_path / ".claude" / "agents")
    (tmp_path / ".claude" / "settings.json").write_text("{}")
    mount_points.remove(mount_points.left_in(str(tmp_path), since=0.0))
    assert files(tmp_path) == {".claude", ".claude/settings.json"}


def test_a_project_that_vanished_holds_none(tmp_path: Path) -> None:
    assert mount_points.left_in(str(tmp_path / "gone"), since=0.0) == []
    (tmp_path / ".claude").symlink_to(tmp_path / "elsewhere")
    mount_point(tmp_path / "elsewhere" / "agents")
    assert mount_points.left_in(str(tmp_path), since=0.0) == []


async def test_what_a_killed_daemon_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    project = tmp_path / "project"
    left = mount_point(project / ".bashrc")
    gone = dataclasses.replace(tree.identify(os.getpid()), boot_id="an earlier boot")
    records = ProcessRecords(str(tmp_path))
    records.add(ProcessRecord(identity=gone, session="s1", tmp="", project=str(project), since=time.time() - 60))
    await end_orphans(str(tmp_path))
    assert not left.exists()


@pytest.mark.parametrize("other", ["same", "other"])
def test_they_stay_while_another_session_of_the_project_may_use_them(other: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    left = mount_point(project / ".bashrc")
    ended, living = (
        ProcessRecord(
            identity=dataclasses.replace(tree.identify(os.getpid()), pid=number),
            session=f"s{number}",
            tmp="",
            project=str(project) if number == 1 or other == "same" else str(tmp_path),
            since=0.0,
        )
        for number in (1, 2)
    )
    records = ProcessRecords(str(tmp_path))
    records.add(ended)
    records.add(living)
    records.remove(ended, killed=True)
    assert left.exists() == (other == "same")


def test_what_a_process_that_ended_by_itself_left_is_its_own_affair(tmp_path: Path) -> None:
    left = mount_point(tmp_path / "project" / ".bashrc")
    record = ProcessRecord(
        identity=tree.identify(os.getpid()), session="s1", tmp="", project=str(left.parent), since=0.0
    )
    ProcessRecords(str(tmp_path)).remove(record, killed=False)
    assert left.exists()


@pytest.mark.cli_process
async def test_a_session_that_is_killed_in_a_sandboxed_command_leaves_what_the_command_did(tmp_path: Path) -> None:
    connector = make_connector(tmp_path, patience=HASTY, sandbox="required")
    if not any("in Claude Code's sandbox" in line for line in await connector.prepare()):
        pytest.skip("no sandbox works here")
    project = tmp_path / "project"
    async with OfflineModel() as model, opened(connector, make_spec(tmp_path, model.url, Policy())) as reader:
        prompt = script({"tools": [tool("Bash", command="touch made; sleep 1000")]}, {"text": "done"})
        reader_task = asyncio.create_task(reader.ask(prompt, timeout=60.0), name="turn")
        await until((project / "made").exists, "the command runs", timeout=30.0)
        assert mount_points.left_in(str(project), since=0.0), "the sandbox still makes them: or this is not needed"
        reader.conversation.exceed(Excess(why="enough", remedy=""))
        assert isinstance((await reader_task)[-1], Failed)
        assert files(project) == {"made"}
