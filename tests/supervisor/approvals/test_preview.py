"""What a call would change in a file: shown where the file is a text of the project, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.approvals.preview import MAX_FILE, diff_of
from supervisor.protocol.conversation import ToolCall


def write(path: str, content: object = "new\n") -> ToolCall:
    """Return a call that writes a file."""
    return ToolCall(tool_use_id="t", name="Write", input={"file_path": path, "content": content})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A project, beside a file with a secret."""
    root = tmp_path / "site"
    root.mkdir()
    (root / "old.txt").write_text("old\n")
    (tmp_path / "secret").write_text("s3cret\n")
    return Path(os.path.realpath(root))


async def test_a_write_is_compared_with_the_file_in_its_place(site: Path) -> None:
    assert await diff_of(write("old.txt"), str(site)) == "@@ -1,2 +1,2 @@\n-old\n+new\n "
    assert await diff_of(write(str(site / "old.txt"), "old\n"), str(site)) == ""
    edit = ToolCall(tool_use_id="t", name="Edit", input={"file_path": "x", "old_string": "a", "new_string": "b"})
    assert await diff_of(edit, str(site)) == "@@ in one place @@\n-a\n+b"


async def test_nothing_else_is_read(site: Path) -> None:
    (site / "out").symlink_to(site.parent / "secret")
    (site / "binary").write_bytes(b"\xff")
    (site / "large").write_bytes(b"x" * (MAX_FILE + 1))
    (site / "folder").mkdir()
    os.mkfifo(site / "pipe")
    for path in ("out", "../secret", "binary", "large", "folder", "pipe", "new.txt", "a\0b", "~/x", "/dev/zero"):
        assert await diff_of(write(path), str(site)) == "", path
    assert await diff_of(write("old.txt", ["no text"]), str(site)) == ""
