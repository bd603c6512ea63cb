"""When the daemon is killed, its sessions end: real processes, for every fence that works on this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.claude_code.process import tree
from connectors.claude_code.process.fence import NO_FENCE, Fence, choose, ladder
from connectors.claude_code.process.orphans import ProcessRecords, end_orphans, state_mark
from connectors.claude_code.process.shelter import settle
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import PROCESS_MARK, STATE_MARK
from tests import proc
from tests.connectors.claude_code.process.victims import interpreter, user_id, victim, wait_up
from tests.connectors.claude_code.support import script, tool
from tests.waiting import until, wait_until

PATH = os.environ.get("PATH", os.defpath)
BROOD_SIZE = 6
"""The shell, its four sleeps, and the shell in between."""
CANARY = "canary-4711"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an ordinary user can write, unlike pytest's own."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def offspring(mark: str) -> list[int]:
    return [identity.pid for identity in tree.marked(PROCESS_MARK, mark)]


@pytest.mark.parametrize("user", ["root", "ordinary"])
@pytest.mark.parametrize("name", ["bwrap", "unshare", "keeper"])
def test_a_killed_daemon_leaves_nothing_in_a_fence(name: str, user: str, folder: Path) -> None:
    uid, mark = user_id(user), uuid.uuid4().hex
    interpreter(uid)
    if name not in [fence.name for fence in ladder(PATH)]:
        pytest.skip(f"{name} is not installed")
    with victim("shell", uid, fence=name, mark=mark, state=str(folder)) as daemon:
        wait_up(daemon)
        wait_until(lambda: len(offspring(mark)) >= BROOD_SIZE, "all of the brood runs")
        daemon.kill()
        wait_until(lambda: not offspring(mark), "all of the brood is gone")


@pytest.mark.parametrize("user", ["root", "ordinary"])
async def test_what_an_unfenced_daemon_left_is_ended_at_the_next_start(user: str, folder: Path) -> None:
    uid, mark = user_id(user), uuid.uuid4().hex
    with victim("shell", uid, fence="none", mark=mark, state=str(folder)) as daemon:
        await asyncio.to_thread(wait_up, daemon)
        await until(lambda: len(offspring(mark)) >= BROOD_SIZE, "all of the brood runs")
        daemon.kill()
        daemon.wait()
        assert len(offspring(mark)) >= BROOD_SIZE
        ended = await end_orphans(str(folder))
        assert offspring(mark) == []
    assert {orphan.session for orphan in ended} == {"s1", ""}
    assert all(orphan.gone for orphan in ended)
    assert list((folder / "processes").iterdir()) == []


@pytest.mark.cli_process
async def test_a_killed_daemon_takes_claude_code_and_its_tools_along(folder: Path) -> None:
    project, state, mark = folder / "project", folder / "state", state_mark(str(folder / "state"))
    project.mkdir()
    state.mkdir()
    canaries = dict.fromkeys(("ANTHROPIC_API_KEY", "TWILIO_AUTH_TOKEN", "SUPERVISOR_TOKEN", "AWS_SECRET"), CANARY)

    def running() -> list[int]:
        return [identity.pid for identity in tree.marked(STATE_MARK, mark)]

    def sleeping() -> list[int]:
        return [pid for pid in running() if proc.read(pid, "cmdline").startswith(b"sleep\0")]

    async with OfflineModel() as model:
        prompt = script({"tools": [tool("Bash", command="setsid sleep 1000")]}, {"text": "done"})
        given = {"state": str(state), "project": str(project), "url": model.url, "prompt": prompt}
        with victim("claude", os.geteuid(), env=canaries, **given) as daemon:
            await asyncio.to_thread(wait_up, daemon)
            await until(sleeping, "the tool's own child runs", timeout=30.0)
            for pid in running():
                for secret_place in ("environ", "cmdline"):
                    assert CANARY.encode() not in proc.read(pid, secret_place)
            (record,) = ProcessRecords(str(state)).all()
            daemon.kill()
            await until(lambda: not running(), "claude and all below it are gone")
            await end_orphans(str(state))
    assert not os.path.exists(record.tmp)
    assert not [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


async def test_the_first_fence_that_works_is_chosen() -> None:
    broken = Fence(name="broken", prefix=("false",), depth=0, sentence="")
    missing = Fence(name="missing", prefix=("/nonexistent/fence",), depth=0, sentence="")
    working = Fence(name="working", prefix=("env",), depth=0, sentence="")
    assert await choose([missing, broken, working, NO_FENCE], {"PATH": PATH}, ("true",)) is working
    assert await choose([missing, broken], {"PATH": PATH}, ("true",)) is None


async def test_without_a_working_fence_the_operator_is_told() -> None:
    shelter = await settle([], path=PATH, sandbox_required=False)
    assert shelter.fence is NO_FENCE
    assert any("not fenced" in sentence for sentence in shelter.sentences)


async def test_without_bubblewrap_and_socat_a_required_sandbox_means_no_shell(tmp_path: Path) -> None:
    shelter = await settle(ladder(str(tmp_path)), path=str(tmp_path), sandbox_required=True)
    assert not shelter.with_shell
    assert any("bwrap and socat not found" in sentence for sentence in shelter.sentences)


def test_the_ladder_offers_what_is_installed_best_first(tmp_path: Path) -> None:
    for program in ("bwrap", "setpriv", "unshare"):
        (tmp_path / program).touch(mode=0o755)
    assert [fence.name for fence in ladder(str(tmp_path))] == ["bwrap", "unshare", "keeper"]
    (tmp_path / "bwrap").unlink()
    (tmp_path / "unshare").unlink()
    assert [fence.name for fence in ladder(str(tmp_path))] == ["keeper"]


def _reads(fence: Fence, path: Path) -> bool:
    return subprocess.run(fence.wrap(["cat", str(path)]), capture_output=True, check=False).returncode == 0


@pytest.mark.requirement(23)
def test_a_fence_with_mounts_hides_state_dir_but_for_the_session_s_own_folders(folder: Path) -> None:
    fence = next((fence for fence in ladder(PATH) if fence.mounts), None)
    if fence is None:
        pytest.skip("bwrap is not installed")
    state = folder / "state"
    texts = [state / name for name in ("operator.token", "sessions/other/note", "sessions/own/note", "project/note")]
    shared = folder / "shared" / "uploads" / "note"
    for path in (*texts, shared, folder / "elsewhere"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    alias = folder / "alias"
    alias.symlink_to(state)
    own = [str(alias), str(folder / "shared")]
    hiding = fence.hiding(own, but=[str(state / "sessions/own"), str(alias / "project"), str(folder)])
    assert [_reads(hiding, path) for path in (*texts, shared)] == [False, False, True, True, False]
    assert _reads(hiding, folder / "elsewhere")
    assert subprocess.run(hiding.wrap(["touch", str(state / "project" / "new")]), check=False).returncode == 0
    assert (state / "project" / "new").exists()


def test_own_folders_inside_each_other_are_hidden_and_what_is_shown_in_them_stays(folder: Path) -> None:
    fence = next((fence for fence in ladder(PATH) if fence.mounts), None)
    if fence is None:
        pytest.skip("bwrap is not installed")
    outer, inner = folder / "shared", folder / "shared" / "state"
    texts = [outer / "uploads" / "note", inner / "operator.token", inner / "sessions" / "own" / "note"]
    for path in texts:
        path.parent.mkdir(parents=True)
        path.write_text("text")
    for own in ([str(outer), str(inner)], [str(inner), str(outer)]):
        hiding = fence.hiding(own, but=[str(inner / "sessions" / "own")])
        assert [_reads(hiding, path) for path in texts] == [False, False, True]


def test_a_fence_without_mounts_hides_nothing(folder: Path) -> None:
    assert NO_FENCE.hiding([str(folder)], but=[]) is NO_FENCE
