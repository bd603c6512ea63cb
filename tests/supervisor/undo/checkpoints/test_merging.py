"""Three states made one."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.undo.checkpoints import merging
from supervisor.undo.checkpoints.git import CheckpointFailed
from tests.supervisor.undo.checkpoints.places import Place, place

LINES = "".join(f"line {number}\n" for number in range(20))


@pytest.fixture
def there(tmp_path: Path) -> Place:
    return place(tmp_path)


async def merged(there: Place, *states: dict[str, str]) -> dict[str, str] | list[str]:
    """Record states, the base, ours and theirs, and return the files of their merge, or the conflicts."""
    shadow = there.shadow()
    commits = []
    for state in states:
        for path in there.project.rglob("*"):
            if path.is_file():
                path.unlink()
        for name, content in state.items():
            there.write(name, content)
        commits.append((await shadow.record("state")).commit)
    found = merging.merge(shadow._git, *commits)
    assert not (there.git_dir / merging.INDEX).exists()
    return found if isinstance(found, list) else {p: there.blob(found, p).decode() for p in there.recorded(found)}


async def test_what_one_side_changed_is_taken(there: Place) -> None:
    base = {"ours": "1", "theirs": "1", "both": "1", "goes": "1"}
    ours = {"ours": "2", "theirs": "1", "both": "2", "goes": "1", "made": "by us"}
    theirs = {"ours": "1", "theirs": "2", "both": "2", "line\nfeed": "by them"}
    assert await merged(there, base, ours, theirs) == {
        "ours": "2",
        "theirs": "2",
        "both": "2",
        "made": "by us",
        "line\nfeed": "by them",
    }


async def test_other_lines_of_one_file_are_merged_and_the_same_are_a_conflict(there: Place) -> None:
    ours, theirs = LINES.replace("line 2\n", "two\n"), LINES.replace("line 15\n", "fifteen\n")
    both = ours.replace("line 15\n", "fifteen\n")
    assert await merged(there, {"a": LINES}, {"a": ours}, {"a": theirs}) == {"a": both}
    other = {"a": ours, "b": "2", "-c": "2"}
    assert await merged(there, {"a": LINES, "b": "1", "-c": "1"}, other, {"a": theirs, "b": "3"}) == ["-c", "b"]


async def test_what_was_made_or_removed_on_one_side_and_changed_on_the_other_is_a_conflict(there: Place) -> None:
    base, ours, theirs = {"a": "1", "x": "1"}, {"a": "2", "x": "1", "b": "ours"}, {"x": "1", "b": "theirs"}
    assert await merged(there, base, ours, theirs) == ["a", "b"]
    assert await merged(there, base, theirs, ours) == ["a", "b"]


async def test_a_file_that_looks_alike_is_another_file(there: Place) -> None:
    assert await merged(there, {"a": LINES}, {"a": LINES + "more\n"}, {"b": LINES}) == ["a"]
    assert await merged(there, {"a": LINES}, {"b": LINES}, {"a": LINES + "more\n"}) == ["a"]


async def test_a_file_and_a_folder_of_one_name_are_a_conflict(there: Place) -> None:
    found = await merged(there, {"x": "1"}, {"x": "1", "a": "a file"}, {"x": "1", "a/b": "in a folder"})
    assert isinstance(found, list)
    assert set(found) <= {"a", "a/b"}
    assert found


async def test_what_is_damaged_is_no_conflict(there: Place) -> None:
    there.write("a", "1")
    shadow = there.shadow()
    await shadow.record("state")
    with pytest.raises(CheckpointFailed):
        merging.merge(shadow._git, "1" * 40, "2" * 40, "3" * 40)
