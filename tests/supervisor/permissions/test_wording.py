"""How a tool call is shown to people."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.permissions.wording import SHOWN_CHARACTERS, headline, shown, summary, whole
from supervisor.protocol.conversation import ToolCall


@pytest.mark.parametrize(
    ("name", "tool_input", "text"),
    [
        ("Bash", {"command": "git\n status"}, "Bash git\\n status"),
        ("Edit", {"file_path": "/p/x.py", "old_string": "a"}, "Edit /p/x.py"),
        ("Grep", {"pattern": "TODO", "path": "src"}, "Grep src"),
        ("Glob", {"pattern": "*.py"}, "Glob *.py"),
        ("Glob", {"pattern": "/etc/*", "path": "src"}, "Glob src /etc/*"),
        ("Grep", {"pattern": "TODO", "path": "src", "glob": "../*"}, "Grep src ../*"),
        ("WebFetch", {"url": "https://a.test/?x=1", "prompt": "read"}, "WebFetch https://a.test/?x=1"),
        ("WebSearch", {"query": "how to"}, "WebSearch how to"),
        ("mcp__bank__pay", {"amount": 5, "to": "bob"}, 'mcp__bank__pay {"amount": 5, "to": "bob"}'),
        ("Task", {}, "Task"),
    ],
)
def test_a_summary_is_the_tool_and_what_it_works_on(name: str, tool_input: dict[str, Any], text: str) -> None:
    assert summary(ToolCall(tool_use_id="t", name=name, input=tool_input)) == text


@pytest.mark.parametrize(
    "unseen",
    ["\u034f", "\u115f", "\u1160", "\u2800", "\u3164", "\ufe0f", "\uffa0", "\U000e0100", "\u200b", "\u202e", "\u2028"],
)
def test_what_shows_nothing_is_escaped(unseen: str) -> None:
    call = ToolCall(tool_use_id="t", name="Bash", input={"command": f"git{unseen} status"})
    assert whole(call) == f"Bash git{unseen.encode('unicode_escape').decode()} status"


def test_what_is_written_in_any_language_is_shown_as_it_is() -> None:
    text = "Bash echo 'é ñ ж 漢字 한국어 नमस्ते שלום' 🙂"
    call = ToolCall(tool_use_id="t", name="Bash", input={"command": text.removeprefix("Bash ")})
    assert whole(call) == text


def test_a_summary_is_short() -> None:
    assert len(summary(ToolCall(tool_use_id="t", name="Bash", input={"command": "x" * 500}))) == 80


def test_a_question_shows_the_beginning_of_a_long_call_and_how_much_it_leaves_out() -> None:
    call = ToolCall(tool_use_id="t", name="Bash", input={"command": "x" * 500})
    text = shown(call)
    assert text == f"{headline(call)[:SHOWN_CHARACTERS]}... ({len('Bash ') + 500 - SHOWN_CHARACTERS} characters more)"
    assert shown(ToolCall(tool_use_id="t", name="Bash", input={"command": "ls"})) == "Bash ls"


def test_a_whole_call_is_its_headline_and_every_other_input_escaped() -> None:
    tool_input = {
        "command": "make\ntest\u202e",
        "description": "Only explains",
        "timeout": 600000,
        "dangerouslyDisableSandbox": True,
        "env": {"A\u200b": ["x"]},
        "odd\nkey": "a\nb\x1b[2K",
    }
    call = ToolCall(tool_use_id="t", name="Bash", input=tool_input)
    assert whole(call).split("\n") == [
        "Bash make",
        "test\\u202e",
        "timeout: 600000",
        "dangerouslyDisableSandbox: true",
        'env: {"A\\u200b": ["x"]}',
        "odd\\nkey (10 characters):",
        "a",
        "b\\x1b[2K",
    ]


def test_the_name_of_a_tool_and_of_a_file_cannot_begin_a_line() -> None:
    call = ToolCall(tool_use_id="t", name="mcp__a\u202e\nx", input={"file_path": "a\nYES KXQPT", "content": "\ud800"})
    assert whole(call) == "mcp__a\\u202e\\nx a\\nYES KXQPT\ncontent: \\ud800"
    assert whole(ToolCall(tool_use_id="t", name="Write", input={"file_path": "a", "content": "x" * 81})) == (
        f"Write a\ncontent (81 characters):\n{'x' * 81}"
    )


def test_a_call_is_shown_in_time_linear_in_its_length() -> None:
    for text in ("x", "\u202e", "\n", "ж"):
        call = ToolCall(tool_use_id="t", name="Bash", input={"command": text * 262_144})
        assert len(whole(call)) >= 262_144
