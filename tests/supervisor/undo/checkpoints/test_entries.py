"""What leads from one state to another."""

from __future__ import annotations

from pathlib import Path

from supervisor.undo.checkpoints.entries import entry_changes, update_index
from tests.supervisor.undo.checkpoints.places import place


async def test_changes_have_both_sides_and_lead_back(tmp_path: Path) -> None:
    there = place(tmp_path)
    shadow = there.shadow()
    there.write("a", "1")
    there.write("removed", "1")
    there.write("folder", "a file")
    old = (await shadow.record("old")).commit
    there.write("a", "2").chmod(0o755)
    for name in ("removed", "folder"):
        (there.project / name).unlink()
    there.write("folder/line\nfeed", "1")
    (there.project / "link").symlink_to("a")
    new = (await shadow.record("new")).commit
    found = {change.path: change for change in entry_changes(shadow._git, old, new)}
    modes = {path: (change.old and change.old.mode, change.new and change.new.mode) for path, change in found.items()}
    assert modes == {
        b"a": ("100644", "100755"),
        b"folder": ("100644", None),
        b"folder/line\nfeed": (None, "100644"),
        b"link": (None, "120000"),
        b"removed": ("100644", None),
    }
    assert [change.new.is_file for change in found.values() if change.new] == [True, True, False]
    tree = update_index(shadow._git, {path: change.old for path, change in found.items()})
    assert entry_changes(shadow._git, old, tree) == []
