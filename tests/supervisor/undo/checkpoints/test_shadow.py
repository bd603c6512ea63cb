"""Recording, comparing and forgetting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.records import Change
from supervisor.undo.checkpoints.shadow import CUT
from tests.supervisor.undo.checkpoints.places import Place, git, place, snapshot


@pytest.fixture
def there(tmp_path: Path) -> Place:
    return place(tmp_path)


async def test_changes_are_listed_with_both_contents(there: Place) -> None:
    there.write("same", "s")
    there.write("edited", "1")
    there.write("removed", "r")
    there.write("mode", "m")
    there.write("binary", bytes(range(256)))
    there.write("type", "t")
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    there.write("edited", "2")
    (there.project / "removed").unlink()
    (there.project / "mode").chmod(0o755)
    there.write("binary", bytes(reversed(range(256))))
    there.write("käse\n", "new")
    (there.project / "type").unlink()
    (there.project / "type").symlink_to("same")
    second = (await shadow.record("second")).commit
    changes = {change.path: change for change in await shadow.changed(first, second)}
    assert {path: change.status for path, change in changes.items()} == {
        "binary": "M",
        "edited": "M",
        "käse\n": "A",
        "mode": "M",
        "removed": "D",
        "type": "T",
    }
    assert changes["mode"].before_blob == changes["mode"].after_blob
    edited = changes["edited"]
    assert edited.before_blob is not None
    assert git(there.git_dir, "cat-file", "blob", edited.before_blob) == b"1"
    assert changes["removed"].after_blob is None
    assert changes["käse\n"] == Change(
        path="käse\n", status="A", before_blob=None, after_blob=changes["käse\n"].after_blob
    )


async def test_nothing_changed_is_no_change(there: Place) -> None:
    there.write("a", "a")
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    there.write("a", "a")
    second = (await shadow.record("second")).commit
    assert await shadow.changed(first, second) == []
    assert await shadow.diff(first, second) == ""


async def test_empty_folder_is_a_state(there: Place) -> None:
    shadow = there.shadow()
    empty = (await shadow.record("empty")).commit
    there.write("a", "a")
    full = (await shadow.record("full")).commit
    assert [change.status for change in await shadow.changed(empty, full)] == ["A"]


async def test_difference_is_unified_and_bounded(there: Place) -> None:
    there.write(".gitattributes", "a -diff\n")
    there.write("a", "one\ntwo\n")
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    there.write("a", "one\nTWO\n")
    second = (await shadow.record("second")).commit
    text = await shadow.diff(first, second)
    assert "-two\n+TWO\n" in text
    assert text.startswith("diff --git a/a b/a")
    assert await shadow.diff(first, second, limit=10) == "diff --git" + CUT


@pytest.mark.parametrize("name", ["--output=/tmp/x", "HEAD", "", "0" * 39])
async def test_what_is_no_id_never_reaches_git(there: Place, name: str) -> None:
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    for call in (shadow.diff(first, name), shadow.changed(name, first), shadow.revert(name, first, dry_run=True)):
        with pytest.raises(CheckpointFailed, match="no such checkpoint"):
            await call
    with pytest.raises(CheckpointFailed, match="no such checkpoint"):
        await shadow.prune([name])


async def test_unknown_checkpoint_is_refused(there: Place) -> None:
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    with pytest.raises(CheckpointFailed):
        await shadow.diff(first, "1" * 40)


async def test_message_is_any_text(there: Place) -> None:
    checkpoint = await there.shadow().record("--amend\n\0 \ud800 Left-Out: x")
    assert git(there.git_dir, "log", "-1", "--format=%B", checkpoint.commit).startswith(b"--amend\n")


async def test_calls_at_the_same_time_wait_for_each_other(there: Place) -> None:
    there.write("a", "a")
    shadow = there.shadow()
    found = await asyncio.gather(*(shadow.record(str(number)) for number in range(6)))
    assert len({checkpoint.commit for checkpoint in found}) == 6


async def test_call_that_is_given_up_harms_no_later_one(there: Place) -> None:
    there.write("a", "a")
    shadow = there.shadow()
    task = asyncio.create_task(shadow.record("given up"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert there.recorded((await shadow.record("second")).commit) == ["a"]


async def test_damaged_index_is_built_anew(there: Place) -> None:
    there.write("a", "a")
    shadow = there.shadow()
    await shadow.record("first")
    (there.git_dir / "index").write_bytes(b"DIRC, and then nothing that makes sense")
    assert there.recorded((await shadow.record("second")).commit) == ["a"]


async def test_new_shadow_goes_on_where_the_last_one_ended(there: Place) -> None:
    there.write("a", "1")
    first = (await there.shadow().record("first")).commit
    there.write("a", "2")
    shadow = there.shadow()
    second = (await shadow.record("second")).commit
    await shadow.revert(first, second, dry_run=False)
    assert there.read("a") == "1"


async def test_pruned_checkpoints_are_gone_and_the_kept_ones_work(there: Place) -> None:
    shadow = there.shadow()
    commits = []
    for number in range(4):
        there.write("a", f"state {number}")
        commits.append((await shadow.record(str(number))).commit)
    assert await shadow.prune([commits[1], commits[3]]) == 2
    assert await shadow.prune([commits[1], commits[3]]) == 0
    for gone in (commits[0], commits[2]):
        with pytest.raises(CheckpointFailed):
            await shadow.diff(gone, commits[3])
    before = snapshot(there.project)
    await shadow.revert(commits[1], commits[3], dry_run=True)
    assert snapshot(there.project) == before
    await shadow.revert(commits[1], commits[3], dry_run=False)
    assert there.read("a") == "state 1"
