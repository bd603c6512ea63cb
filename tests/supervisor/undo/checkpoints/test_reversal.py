"""Taking changes back."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.journal import JournalEntry
from supervisor.undo.checkpoints.records import Reverted
from supervisor.undo.checkpoints.reversal import Conflict, Reversal
from supervisor.undo.checkpoints.shadow import ShadowRepository
from supervisor.undo.checkpoints.worktree import Worktree
from tests.connectors.claude_code.process.victims import as_user, interpreter, user_id
from tests.supervisor.undo.checkpoints.places import Place, place, snapshot

LINES = [f"line {number}\n" for number in range(20)]


@pytest.fixture
def there(tmp_path: Path) -> Place:
    return place(tmp_path)


def lines(**other: str) -> str:
    """Return the lines, some of them replaced: line_3="three"."""
    replaced = {int(name.removeprefix("line_")): f"{text}\n" for name, text in other.items()}
    return "".join(replaced.get(number, line) for number, line in enumerate(LINES))


async def turn(there: Place, shadow: ShadowRepository) -> tuple[str, str]:
    """Record what a turn does: edit, add, remove, change a mode and a binary file."""
    there.write("edited", lines())
    there.write("below/removed", "was here")
    there.write("mode", "m").chmod(0o644)
    there.write("binary", bytes(range(256)))
    (there.project / "link").symlink_to("mode")
    before = (await shadow.record("before")).commit
    there.write("edited", lines(line_2="by the turn"))
    (there.project / "below/removed").unlink()
    (there.project / "below").rmdir()
    (there.project / "mode").chmod(0o755)
    there.write("binary", bytes(reversed(range(256))))
    there.write("new/file", "new")
    (there.project / "link").unlink()
    (there.project / "link").symlink_to("edited")
    return before, (await shadow.record("after")).commit


async def test_turn_is_taken_back_whole(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow)
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert sorted(done.paths) == ["below/removed", "binary", "edited", "link", "mode", "new/file"]
    assert there.read("edited") == lines()
    assert there.read("below/removed") == "was here"
    assert stat.S_IMODE((there.project / "mode").stat().st_mode) & 0o111 == 0
    assert (there.project / "binary").read_bytes() == bytes(range(256))
    assert not (there.project / "new").exists()
    assert os.readlink(there.project / "link") == "mode"
    assert await shadow.changed(before, (await shadow.record("now")).commit) == []


async def test_mode_of_a_file_that_is_written_stays(there: Place) -> None:
    shadow = there.shadow()
    modes = {"private": 0o600, "shared": 0o664, "script": 0o700, "made a script": 0o640}
    for name, mode in modes.items():
        there.write(name, "1").chmod(mode)
    before = (await shadow.record("before")).commit
    for name in modes:
        there.write(name, "2")
    (there.project / "made a script").chmod(0o750)
    after = (await shadow.record("after")).commit
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert done.after is not None
    assert {name: stat.S_IMODE((there.project / name).stat().st_mode) for name in modes} == modes
    await shadow.revert(done.before, done.after, dry_run=False)
    left = {**modes, "made a script": 0o750}
    assert {name: stat.S_IMODE((there.project / name).stat().st_mode) for name in modes} == left


async def test_later_edit_by_hand_stays(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow)
    there.write("edited", lines(line_2="by the turn", line_15="by hand"))
    there.write("later", "by hand")
    untouched = (there.project / "later").stat().st_mtime_ns
    assert isinstance(await shadow.revert(before, after, dry_run=False), Reverted)
    assert there.read("edited") == lines(line_15="by hand")
    assert there.read("later") == "by hand"
    assert (there.project / "later").stat().st_mtime_ns == untouched


async def test_undo_can_be_undone(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow)
    there.write("edited", lines(line_2="by the turn", line_15="by hand"))
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert done.after is not None
    assert isinstance(await shadow.revert(done.before, done.after, dry_run=False), Reverted)
    assert there.read("edited") == lines(line_2="by the turn", line_15="by hand")
    assert there.read("new/file") == "new"
    assert not (there.project / "below").exists()


@pytest.mark.parametrize("dry_run", [True, False])
async def test_edit_of_the_same_place_is_a_conflict_and_nothing_is_touched(there: Place, dry_run: bool) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow)
    there.write("edited", lines(line_2="by hand"))
    there.write("new/file", "new, and more by hand")
    found = snapshot(there.project)
    conflict = await shadow.revert(before, after, dry_run=dry_run)
    assert isinstance(conflict, Conflict)
    assert sorted(conflict.paths) == ["edited", "new/file"]
    assert snapshot(there.project) == found


async def test_edit_never_moves_to_a_file_that_looks_alike(there: Place) -> None:
    shadow = there.shadow()
    there.write("removed", lines())
    there.write("edited", lines())
    before = (await shadow.record("before")).commit
    (there.project / "removed").unlink()
    there.write("made", lines())
    there.write("edited", lines(line_2="by the turn"))
    after = (await shadow.record("after")).commit
    there.write("made", lines(line_15="by hand"))
    (there.project / "edited").rename(there.project / "moved by hand")
    found = snapshot(there.project)
    conflict = await shadow.revert(before, after, dry_run=False)
    assert isinstance(conflict, Conflict)
    assert sorted(conflict.paths) == ["edited", "made"]
    assert snapshot(there.project) == found


async def test_what_cannot_be_merged_is_a_conflict(there: Place, tmp_path: Path) -> None:
    shadow = there.shadow()
    for name in ("binary", "becomes a link", "becomes a folder"):
        there.write(name, b"1\0")
    there.write("removed/inner", "1")
    before = (await shadow.record("before")).commit
    for name in ("binary", "becomes a link", "becomes a folder"):
        there.write(name, b"2\0")
    shutil.rmtree(there.project / "removed")
    after = (await shadow.record("after")).commit
    there.write("binary", b"3\0")
    (there.project / "becomes a link").unlink()
    (there.project / "becomes a link").symlink_to("binary")
    (there.project / "becomes a folder").unlink()
    there.write("becomes a folder/inner", "by hand")
    there.write("removed", "a file now, by hand")
    found = snapshot(there.project)
    conflict = await shadow.revert(before, after, dry_run=False)
    assert isinstance(conflict, Conflict)
    assert {"binary", "becomes a link", "becomes a folder"} <= set(conflict.paths)
    assert {"removed", "removed/inner"} & set(conflict.paths)
    assert not any("~" in path for path in conflict.paths)
    assert snapshot(there.project) == found


async def test_mode_by_hand_and_content_by_the_turn_are_told_apart(there: Place) -> None:
    shadow = there.shadow()
    there.write("a", lines())
    there.write("b", lines())
    before = (await shadow.record("before")).commit
    there.write("a", lines(line_2="by the turn"))
    there.write("b", lines(line_2="by the turn")).chmod(0o755)
    after = (await shadow.record("after")).commit
    (there.project / "a").chmod(0o755)
    there.write("b", lines(line_2="by the turn", line_15="by hand"))
    assert isinstance(await shadow.revert(before, after, dry_run=False), Reverted)
    assert (there.read("a"), there.read("b")) == (lines(), lines(line_15="by hand"))
    assert [os.access(there.project / name, os.X_OK) for name in "ab"] == [True, False]


async def test_trial_touches_nothing(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow)
    found = snapshot(there.project)
    trial = await shadow.revert(before, after, dry_run=True)
    assert isinstance(trial, Reverted)
    assert trial.after is None
    assert "edited" in trial.paths
    assert snapshot(there.project) == found


async def test_undo_of_what_is_undone_already_does_nothing(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow)
    await shadow.revert(before, after, dry_run=False)
    await shadow.record("before another turn")
    again = await shadow.revert(before, after, dry_run=False)
    assert isinstance(again, Reverted)
    assert again.paths == ()
    assert again.after == again.before


async def test_file_that_was_only_touched_is_no_obstacle(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow)
    os.utime(there.project / "edited", (1, 1))
    assert isinstance(await shadow.revert(before, after, dry_run=False), Reverted)
    assert there.read("edited") == lines()


async def test_edit_while_the_undo_runs_fails_whole(there: Place) -> None:
    shadow = there.shadow()
    before, _ = await turn(there, shadow)
    now = (await shadow.record("now")).commit
    there.write("edited", lines(line_2="between"))  # after the recording, before the writing
    found = snapshot(there.project)
    changes = await shadow.changed(now, before)
    reversal = steps(there, shadow)
    undo = JournalEntry(before=before, after=now, current=now, target=before)
    conflict = reversal.write(undo, [c.path for c in changes if c.status == "A"], {c.path for c in changes})
    assert conflict == Conflict(paths=("edited",))
    assert snapshot(there.project) == found


async def test_ignored_file_in_the_way_is_never_written_over(there: Place) -> None:
    shadow = there.shadow()
    there.write("notes.log", "recorded")
    before = (await shadow.record("before")).commit
    (there.project / "notes.log").unlink()
    there.write(".gitignore", "*.log\n")
    after = (await shadow.record("after")).commit
    there.write("notes.log", "by hand, and ignored")
    assert await shadow.revert(before, after, dry_run=False) == Conflict(paths=("notes.log",))
    assert there.read("notes.log") == "by hand, and ignored"


async def test_folder_with_ignored_files_is_never_replaced(there: Place) -> None:
    shadow = there.shadow()
    there.write(".gitignore", "*.log\n")
    there.write("a", "a file")
    there.write("b/c", "in a folder")
    before = (await shadow.record("before")).commit
    (there.project / "a").unlink()
    there.write("a/recorded", "x")
    (there.project / "b/c").unlink()
    (there.project / "b").rmdir()
    after = (await shadow.record("after")).commit
    there.write("a/own.log", "ignored")
    (there.project / "b").symlink_to("nowhere")
    found = snapshot(there.project)
    assert isinstance(await shadow.revert(before, after, dry_run=False), Conflict)
    assert snapshot(there.project) == found


async def test_file_that_was_ignored_before_is_not_removed(there: Place) -> None:
    shadow = there.shadow()
    there.write(".gitignore", ".env\n:odd\n")
    there.write(".env", "secret")
    there.write(":odd", "odd")
    before = (await shadow.record("before")).commit
    there.write(".gitignore", "")
    there.write("made", "by the turn")
    after = (await shadow.record("after")).commit
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert sorted(done.paths) == [".gitignore", "made"]
    assert there.read(".env") == "secret"
    assert there.read(":odd") == "odd"
    assert there.read(".gitignore") == ".env\n:odd\n"


async def test_nothing_is_written_through_a_link_in_place_of_the_project(there: Place, tmp_path: Path) -> None:
    shadow = there.shadow()
    there.write("removed", "was here")
    before = (await shadow.record("before")).commit
    (there.project / "removed").unlink()
    after = (await shadow.record("after")).commit
    there.project.rmdir()
    (tmp_path / "elsewhere").mkdir()
    there.project.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointFailed, match="a link leads elsewhere"):
        await shadow.revert(before, after, dry_run=False)
    assert not list((tmp_path / "elsewhere").iterdir())


async def test_undo_is_taken_back_where_the_turn_no_longer_ignored_a_file(there: Place) -> None:
    shadow = there.shadow()
    there.write(".gitignore", ".env\n")
    there.write(".env", "secret")
    before = (await shadow.record("before")).commit
    there.write(".gitignore", "")
    there.write("made", "by the turn")
    after = (await shadow.record("after")).commit
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert done.after is not None
    await shadow.prune([before, after, done.before, done.after])
    again = await shadow.revert(done.before, done.after, dry_run=False)
    assert isinstance(again, Reverted)
    assert (there.read(".gitignore"), there.read("made"), there.read(".env")) == ("", "by the turn", "secret")


async def test_file_that_was_left_out_before_is_not_removed(there: Place) -> None:
    shadow = there.shadow()
    there.write("large", b"x" * 100_001)
    before = (await shadow.record("before")).commit
    there.write("large", "small now")
    after = (await shadow.record("after")).commit
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert done.paths == ()
    assert there.read("large") == "small now"


def by_an_ordinary_user(script: str) -> dict[str, Any]:
    """Run a script that is beside this one, and return what it writes."""
    uid = user_id("ordinary")
    folder = Path(tempfile.mkdtemp())  # an ordinary user can enter it, unlike pytest's own
    folder.chmod(0o777)
    try:
        command = [interpreter(uid), str(Path(__file__).with_name(script)), str(folder)]
        ran = subprocess.run(command, **as_user(uid), capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout)
        return told
    finally:
        shutil.rmtree(folder)


def test_read_only_project_is_recorded_and_not_undone() -> None:
    told = by_an_ordinary_user("read_only.py")
    assert "may not be written" in told["why"]
    assert told["remedy"]
    assert told["left"] == "2"


def test_what_lay_in_a_folder_that_nobody_could_read_is_not_removed() -> None:
    told = by_an_ordinary_user("locked.py")
    assert told["left_out"] == ["closed/", "inner/closed/", "listed/data"]
    assert told["left"] == ["closed/data", "inner/closed/data", "listed/data"]


async def test_file_that_cannot_be_removed_is_not_said_to_be_taken_back(there: Place) -> None:
    shadow = there.shadow()
    there.write("other", "1")
    before = (await shadow.record("before")).commit
    there.write("other", "2")
    file = there.write("immutable", "made by a turn")
    after = (await shadow.record("after")).commit
    if shutil.which("chattr") is None or subprocess.run(["chattr", "+i", file], check=False).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        with pytest.raises(CheckpointFailed, match="immutable cannot be removed"):
            await shadow.revert(before, after, dry_run=False)
        assert (there.read("immutable"), there.read("other")) == ("made by a turn", "2")
    finally:
        subprocess.run(["chattr", "-i", file], check=True)
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert (done.paths, file.exists(), there.read("other")) == (("immutable", "other"), False, "1")


def steps(there: Place, shadow: ShadowRepository) -> Reversal:
    """Return the steps of an undo, so that something can happen between two of them."""
    git = shadow._git
    return Reversal(git, Worktree(git=git, max_bytes=100_000, never=()))
