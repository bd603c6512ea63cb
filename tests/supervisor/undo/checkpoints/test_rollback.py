"""An undo that was cut off: by a full disk, or with the daemon."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.journal import JOURNAL
from supervisor.undo.checkpoints.records import Reverted
from supervisor.undo.checkpoints.reversal import Conflict
from supervisor.undo.checkpoints.shadow import ShadowRepository
from tests.supervisor.undo.checkpoints.places import Place, place, snapshot

LARGE = "large\n" * 10_000
LARGER = "larger\n" * 10_000
LIMIT = 20_000
"""Bytes of a file that the system writes before it refuses, as a full disk does."""


@pytest.fixture
def there(tmp_path: Path) -> Place:
    return place(tmp_path)


@contextmanager
def full_disk() -> Iterator[None]:
    """Let the system refuse to write files beyond the limit: git dies in the middle of one."""
    before = {kind: resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)}
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[resource.RLIMIT_FSIZE][1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, before[resource.RLIMIT_CORE][1]))  # a core would lie in the project
    try:
        yield
    finally:
        for kind, limits in before.items():
            resource.setrlimit(kind, limits)


async def turn(there: Place, shadow: ShadowRepository, *, left: str) -> tuple[str, str]:
    """Record a turn that changes files on both sides of a large one, removes one, adds one."""
    for path, content in (("a", "1"), ("large", LARGE), ("removed", "was here"), ("z", "1"), ("folder", "a file")):
        there.write(path, content)
    before = (await shadow.record("before")).commit
    for path, content in (("a", "2"), ("large", left), ("z", "2"), ("made/by", "the turn")):
        there.write(path, content)
    (there.project / "removed").unlink()
    (there.project / "folder").unlink()
    there.write("folder/inner", "by the turn")
    return before, (await shadow.record("after")).commit


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


async def test_what_a_full_disk_cut_off_is_put_back_and_said(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow, left="little")
    found = contents(there.project)
    with full_disk(), pytest.raises(CheckpointFailed, match="what was written is put back") as raised:
        await shadow.revert(before, after, dry_run=False)
    assert "undo again" in raised.value.remedy
    assert contents(there.project) == found
    assert not (there.git_dir / JOURNAL).exists()
    assert isinstance(await shadow.revert(before, after, dry_run=False), Reverted)
    assert there.read("large") == LARGE


async def test_what_could_not_be_put_back_is_said_and_the_undo_goes_on_later(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow, left=LARGER)
    found = contents(there.project)
    with full_disk(), pytest.raises(CheckpointFailed, match="nor could what was written be put back") as raised:
        await shadow.revert(before, after, dry_run=False)
    assert "free disk space" in raised.value.remedy
    assert contents(there.project) != found
    half = snapshot(there.project)
    shadow = there.shadow()
    await shadow.prune([before, after])
    trial = await shadow.revert(before, after, dry_run=True)
    assert isinstance(trial, Reverted)
    assert set(trial.paths) == {"a", "folder", "folder/inner", "large", "made/by", "removed", "z"}
    assert snapshot(there.project) == half
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert done.after is not None
    assert (there.read("large"), there.read("removed"), there.read("folder")) == (LARGE, "was here", "a file")
    assert isinstance(await shadow.revert(done.before, done.after, dry_run=False), Reverted)
    assert contents(there.project) == found


async def test_undo_of_which_nobody_heard_can_be_taken_back(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow, left=LARGER)
    await shadow.revert(before, after, dry_run=False)
    found = contents(there.project)
    there.write("later", "by hand")  # the daemon was killed before it could write down what was done
    shadow = there.shadow()
    done = await shadow.revert(before, after, dry_run=False)
    assert isinstance(done, Reverted)
    assert done.after is not None
    assert contents(there.project) == {**found, "later": "by hand"}
    await shadow.revert(done.before, done.after, dry_run=False)
    assert (there.read("made/by"), there.read("large"), there.read("later")) == ("the turn", LARGER, "by hand")
    assert not (there.project / "removed").exists()


async def test_files_that_a_link_displaced_are_put_back(there: Place) -> None:
    shadow = there.shadow()
    (there.project / "folder").symlink_to("nowhere")
    before = (await shadow.record("before")).commit
    (there.project / "folder").unlink()
    there.write("folder/a", "by the turn")
    there.write("folder/below/b", "by the turn")
    after = (await shadow.record("after")).commit
    found = contents(there.project)
    await shadow.revert(before, after, dry_run=False)
    assert (there.project / "folder").is_symlink()
    done = await there.shadow().revert(before, after, dry_run=False)  # nobody had heard of the first
    assert isinstance(done, Reverted)
    assert done.after is not None
    assert (there.project / "folder").is_symlink()
    await shadow.revert(done.before, done.after, dry_run=False)
    assert contents(there.project) == found


async def test_what_was_changed_after_a_cut_off_undo_is_kept(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow, left=LARGER)
    await shadow.revert(before, after, dry_run=False)
    there.write("a", "by hand")
    (there.project / "removed").unlink()
    (there.project / "removed").symlink_to("a")
    found = snapshot(there.project)
    shadow = there.shadow()
    conflict = await shadow.revert(before, after, dry_run=False)
    assert isinstance(conflict, Conflict)
    assert sorted(conflict.paths) == ["a", "removed"]
    assert snapshot(there.project) == found


async def test_a_turn_goes_on_from_what_an_undo_left_half_done(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow, left=LARGER)
    await shadow.revert(before, after, dry_run=False)
    found = contents(there.project)
    await shadow.record("before the next turn")
    trial = await shadow.revert(before, after, dry_run=True)
    assert isinstance(trial, Reverted)
    assert (trial.paths, contents(there.project)) == ((), found)


async def test_journal_that_a_power_failure_left_empty_is_none(there: Place) -> None:
    shadow = there.shadow()
    before, after = await turn(there, shadow, left=LARGER)
    (there.git_dir / JOURNAL).write_bytes(b"")
    assert isinstance(await shadow.revert(before, after, dry_run=False), Reverted)


async def test_folder_that_was_replaced_by_a_link_is_not_written_through(there: Place, tmp_path: Path) -> None:
    shadow = there.shadow()
    there.write("below/a", "1")
    before = (await shadow.record("before")).commit
    there.write("below/a", "2")
    after = (await shadow.record("after")).commit
    await shadow.revert(before, after, dry_run=False)
    (there.project / "below").rename(tmp_path / "outside")
    (there.project / "below").symlink_to(tmp_path / "outside")
    await there.shadow().revert(before, after, dry_run=False)
    assert (tmp_path / "outside/a").read_text() == "1"
    assert (there.project / "below").is_symlink()
