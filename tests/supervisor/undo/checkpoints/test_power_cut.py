"""A power cut at each step of the first recording: the next recordings work, and can be undone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.reversal import Conflict
from supervisor.undo.checkpoints.shadow import ShadowRepository
from tests.supervisor.undo.checkpoints.places import Place, place

GIT = """\
#!/bin/sh
cp -a "$GIT_DIR" "{steps}/$(ls "{steps}" | wc -l)"
exec {git} "$@"
"""
"""A git that copies the shadow repository before each run."""


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def cuts(steps: Path) -> Iterator[tuple[str, Path, set[Path]]]:
    """Yield each step with the files that may not be on disk: those that are new since the step before.

    git syncs objects before it renames them, so an object is there as a whole or not at all.
    """
    before: set[Path] = set()
    for number in range(len(list(steps.iterdir()))):
        step = steps / str(number)
        now = files(step)
        if new := now - before:
            yield f"step {number}: new files are missing", step, new
        for name in sorted(new):
            if name.parts[0] != "objects":
                yield f"step {number}: {name} is empty", step, {name}
        before = now


async def test_a_power_cut_at_each_step_of_the_first_recording_leaves_undo_intact(tmp_path: Path) -> None:
    there = place(tmp_path)
    there.write("a.txt", "one")
    steps, bin_folder = tmp_path / "steps", tmp_path / "bin"
    steps.mkdir()
    bin_folder.mkdir()
    (bin_folder / "git").write_text(GIT.format(steps=steps, git=shutil.which("git")))
    (bin_folder / "git").chmod(0o755)
    search_path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    await ShadowRepository(there.project, there.git_dir, search_path=search_path).record("first")
    shutil.copytree(there.git_dir, steps / str(len(list(steps.iterdir()))))
    found = list(cuts(steps))
    assert any(name.endswith(": HEAD is empty") for name, _, _ in found)
    for number, (name, step, lost) in enumerate(found):
        cut = Place(there.project, tmp_path / "cuts" / f"{number}.git")
        shutil.copytree(step, cut.git_dir)
        for file in lost:
            if name.endswith("empty"):
                (cut.git_dir / file).write_bytes(b"")
            else:
                (cut.git_dir / file).unlink()
        await works(cut, name)


async def works(there: Place, case: str) -> None:
    """Check that a turn is recorded and undone, and that old checkpoints are pruned."""
    there.write("a.txt", "one")
    shadow = there.shadow()
    before = (await shadow.record("before")).commit
    there.write("a.txt", "two")
    after = (await shadow.record("after")).commit
    assert [change.path for change in await shadow.changed(before, after)] == ["a.txt"], case
    assert not isinstance(await shadow.revert(before, after, dry_run=False), Conflict), case
    assert there.read("a.txt") == "one", case
    await shadow.prune([before, after])


@pytest.mark.parametrize("loss", ["empty", "missing"])
async def test_a_repository_with_lost_objects_is_set_aside_and_begun_anew(
    loss: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = place(tmp_path)
    there.write("folder/a.txt", "one")
    first = (await there.shadow().record("first")).commit
    for path in (there.git_dir / "objects").glob("??/*"):
        path.unlink()
        if loss == "empty":
            path.touch()
    for _ in range(2):
        with pytest.raises(CheckpointFailed, match="the recorded state is lost"):
            await there.shadow().revert(first, first, dry_run=False)
    assert "earlier turns cannot be undone" in caplog.text
    assert (tmp_path / "shadow.git.damaged-1").is_dir()
    await works(there, loss)
    with pytest.raises(CheckpointFailed, match="the recorded state is lost"):
        await there.shadow().changed(first, first)
    assert not (tmp_path / "shadow.git.damaged-2").exists()


async def test_checkpoints_can_be_read_after_head_is_lost(tmp_path: Path) -> None:
    there = place(tmp_path)
    there.write("a.txt", "one")
    before = (await there.shadow().record("before")).commit
    there.write("a.txt", "two")
    after = (await there.shadow().record("after")).commit
    (there.git_dir / "HEAD").write_bytes(b"")
    assert "+two" in await there.shadow().diff(before, after)
