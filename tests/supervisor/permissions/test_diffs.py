"""What an edit changes, line by line."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.permissions.diffs import edit_diff, text_diff
from supervisor.protocol.conversation import ToolCall


@pytest.mark.parametrize(
    ("before", "after", "diff"),
    [
        ("a\nb", "a\nb", ""),
        ("", "new", "@@ -1,1 +1,1 @@\n-\n+new"),
        ("a", "a\n", "@@ -1,1 +1,2 @@\n a\n+"),
        ("1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\nX\n6\n7\n8\n9", "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8"),
        ("a\na\na", "a\na", "@@ -1,3 +1,2 @@\n a\n a\n-a"),
        ("x", "x\r\u202e", "@@ -1,1 +1,1 @@\n-x\n+x\\r\\u202e"),
    ],
)
def test_a_diff_holds_the_lines_that_differ_and_three_around_them(before: str, after: str, diff: str) -> None:
    assert text_diff(before, after) == diff


def edit(name: str, **tool_input: Any) -> str:
    """Return the diff of a call."""
    return edit_diff(ToolCall(tool_use_id="t", name=name, input=tool_input))


def test_an_edit_shows_what_it_replaces() -> None:
    assert edit("Edit", file_path="a", old_string="x\ny", new_string="x\nz") == "@@ in one place @@\n x\n-y\n+z"
    assert edit("Edit", file_path="a", old_string="x", new_string="", replace_all=True) == "@@ everywhere @@\n-x\n+"
    edits = [{"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": "d", "replace_all": True}]
    assert edit("MultiEdit", file_path="a", edits=edits) == "@@ in one place @@\n-a\n+b\n@@ everywhere @@\n-c\n+d"


@pytest.mark.parametrize("edits", [None, [], {}, [1], [{"old_string": 1, "new_string": "b"}], {"old_string": "a"}])
def test_what_has_another_form_has_no_diff(edits: object) -> None:
    assert edit("MultiEdit", file_path="a", edits=edits) == ""
    assert edit("Edit", file_path="a", old_string=edits, new_string="b") == ""
    assert edit("Bash", command="ls") == ""


def test_a_diff_of_many_equal_lines_is_made_in_linear_time() -> None:
    same = "a\n" * 60_000
    assert text_diff(same, f"{same}b").endswith("+b")
    assert len(text_diff("a\nb\n" * 60_000, "b\na\n" * 60_000).split("\n")) > 200_000
