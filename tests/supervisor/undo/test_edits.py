"""Edits call by call: hashes before and after, also of what was put back."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from supervisor.protocol.conversation import ToolCall
from supervisor.undo.edits import ALLOWED, edits, found_by, paths_of, sha256


def call(path: Path, name: str = "Write", tool_use_id: str = "u1") -> ToolCall:
    return ToolCall(tool_use_id=tool_use_id, name=name, input={"file_path": str(path)})


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_each_call_has_the_file_before_and_after_it(tmp_path: Path) -> None:
    path, folder, events = tmp_path / "a.txt", str(tmp_path), []
    for number, text in enumerate(("one", "two", "one")):
        events.append((ALLOWED, {"id": f"u{number}", **found_by(call(path), folder)}))
        path.write_text(text, encoding="utf-8")
    first, second, third = edits(events, folder)
    assert (first.path, first.tool_use_id, first.status) == ("a.txt", "u0", "added")
    assert (first.before_hash, first.after_hash) == (None, digest("one"))
    assert (second.status, second.before_hash, second.after_hash) == ("modified", digest("one"), digest("two"))
    assert (third.before_hash, third.after_hash) == (digest("two"), digest("one"))


def test_a_call_that_failed_left_the_file_unchanged(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.txt", str(tmp_path)
    path.write_text("one", encoding="utf-8")
    (edit,) = edits([(ALLOWED, {"id": "u", **found_by(call(path, "Edit"), folder)}), ("tool_finished", {})], folder)
    assert edit.status == "unchanged"


def test_other_tools_and_what_is_no_plain_file_have_none(tmp_path: Path) -> None:
    assert found_by(call(tmp_path / "a", "Bash"), str(tmp_path)) == {}
    assert paths_of(call(tmp_path / "below" / "a"), str(tmp_path)) == ["below/a"]
    assert paths_of(replace(call(Path("a")), folder="below"), str(tmp_path)) == ["below/a"]
    os.mkfifo(tmp_path / "fifo")
    assert [sha256(str(tmp_path / name)) for name in ("fifo", "", "none", "a\0b")] == [None] * 4
