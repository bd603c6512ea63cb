"""What leads from one state to another."""

from __future__ import annotations

from pathlib import Path

from supervisor.undo.checkpoints.steps import into_index, steps
from tests.supervisor.undo.checkpoints.places import place


async def test_steps_are_told_with_both_sides_and_lead_back(tmp_path: Path) -> None:
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
    found = {step.path: step for step in steps(shadow._git, old, new)}
    modes = {path: (step.old and step.old.mode, step.new and step.new.mode) for path, step in found.items()}
    assert modes == {
        b"a": ("100644", "100755"),
        b"folder": ("100644", None),
        b"folder/line\nfeed": (None, "100644"),
        b"link": (None, "120000"),
        b"removed": ("100644", None),
    }
    assert [step.new.is_file for step in found.values() if step.new] == [True, True, False]
    assert steps(shadow._git, old, into_index(shadow._git, {path: step.old for path, step in found.items()})) == []
