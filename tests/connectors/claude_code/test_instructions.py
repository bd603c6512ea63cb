"""CLAUDE.md is read where the project says so: bounded, never through a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.claude_code.instructions import CUT, HEADING, MAX_BYTES, read


def test_the_content_stands_below_a_heading(tmp_path: Path) -> None:
    path = tmp_path / "CLAUDE.md"
    path.write_bytes(b"\nUse tabs.\0 \xff\n")
    assert read(str(path)) == f"{HEADING}Use tabs. \ufffd"
    path.write_text("x" * (MAX_BYTES + 1))
    assert read(str(path)) == f"{HEADING}{'x' * MAX_BYTES}{CUT}"


@pytest.mark.parametrize("kind", ["unset", "missing", "empty", "link", "folder"])
def test_what_is_no_file_with_text_is_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "CLAUDE.md"
    (tmp_path / "secret").write_text("the token")
    match kind:
        case "empty":
            path.write_text(" \n")
        case "link":
            path.symlink_to(tmp_path / "secret")
        case "folder":
            path.mkdir()
        case _:
            pass
    assert read("" if kind == "unset" else str(path)) == ""
