"""What Claude Code may do without asking."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.permissions.policy import NeedsApproval, Risk, changes_something, decide
from supervisor.permissions.tools import EDITS, HARMLESS, READS
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.status import Permissions
from tests.cost import LARGE, assert_linear, python_calls
from tests.supervisor.permissions.verdicts import ASK, EDIT, FULL, ask

INSIDE = ["README", "src/x.py", "./src/../src/x.py", "{project}/src/x.py", "new/folder/x", "deep/x.py", "a b.txt"]


OUTSIDE = [
    "../x",
    "..",
    "src/../../x",
    "/etc/passwd",
    "{project}-evil/x",
    "{project}/../proj-evil/x",
    "out/x",
    "out",
    "out/../proj-evil/x",
    "deep/../../../../x",
    "deep/../../secret",  # inside for the system, outside for a program that takes away the .. first
    "~",
    "~/x",
    "~root/x",
    " /etc/passwd",
    "/etc/passwd ",
    "\t/etc/passwd",
    "\ufeff/etc/passwd",
    "src/\0x",
    "src/\ud800",
]


@pytest.mark.parametrize("level", [ASK, EDIT])
@pytest.mark.parametrize("path", INSIDE)
@pytest.mark.parametrize("tool", ["Read", "Grep", "Glob", "LS"])
def test_reading_inside_the_project_is_free(tool: str, path: str, level: Permissions, project: str) -> None:
    key = "file_path" if tool == "Read" else "path"
    tool_input = {key: path.format(project=project), "pattern": "x"}
    assert ask(tool, tool_input, level, project) == Verdict(allowed=True)


@pytest.mark.parametrize("level", [ASK, EDIT])
@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize(
    ("tool", "key"),
    [("Read", "file_path"), ("Grep", "path"), ("Glob", "path"), ("LS", "path"), ("NotebookRead", "notebook_path")],
)
def test_reading_outside_the_project_needs_a_person(
    tool: str, key: str, path: str, level: Permissions, project: str
) -> None:
    verdict = ask(tool, {key: path.format(project=project), "pattern": "x"}, level, project)
    assert not verdict.allowed
    assert "it reads outside the project" in verdict.reason


@pytest.mark.parametrize("tool", ["Grep", "Glob", "LS"])
def test_a_search_without_a_path_is_one_in_the_project(tool: str, project: str) -> None:
    assert ask(tool, {"pattern": "x"}, ASK, project).allowed
    assert ask(tool, {"pattern": "x", "path": None}, ASK, project).allowed


def test_reading_without_naming_a_file_needs_a_person(project: str) -> None:
    assert not ask("Read", {}, EDIT, project).allowed
    assert not ask("Read", {"file": "/etc/passwd"}, EDIT, project).allowed


def test_a_relative_path_counts_from_where_the_shell_has_gone(project: str) -> None:
    (Path(project) / "src" / "etc").symlink_to("/etc")
    (Path(project) / "src" / "hooks").symlink_to(Path(project) / ".git" / "hooks")
    below = f"{project}/src"
    assert ask("Grep", {"pattern": "x", "path": "etc"}, EDIT, project).allowed
    assert not ask("Grep", {"pattern": "x", "path": "etc"}, EDIT, project, folder=below).allowed
    assert not ask("Read", {"file_path": "etc/passwd"}, EDIT, project, folder=below).allowed
    assert not ask("NotebookEdit", {"notebook_path": "etc/x"}, EDIT, project, folder=below).allowed
    assert not ask("NotebookEdit", {"notebook_path": "hooks/x"}, EDIT, project, folder=below).allowed
    assert not ask("NotebookEdit", {"notebook_path": "x"}, EDIT, project, folder=f"{project}/.git").allowed
    assert not ask("Glob", {"pattern": "etc/*"}, EDIT, project, folder=below).allowed
    assert not ask("Glob", {"pattern": "*"}, EDIT, project, folder="/etc").allowed
    assert ask("Glob", {"pattern": "../*", "path": ".."}, EDIT, project, folder=f"{below}/a/b").allowed


@pytest.mark.parametrize("value", [["/etc/passwd"], {"a": 1}, 7, True])
def test_a_path_or_pattern_that_is_no_text_needs_a_person(value: object, project: str) -> None:
    assert not ask("Read", {"file_path": value}, EDIT, project).allowed
    assert not ask("Write", {"file_path": value}, EDIT, project).allowed
    assert not ask("Glob", {"pattern": value}, EDIT, project).allowed


@pytest.mark.parametrize("keys", [("file_path", "path"), ("path", "file_path"), ("notebook_path", "path")])
def test_every_path_of_a_call_must_be_inside(keys: tuple[str, str], project: str) -> None:
    tool_input = {keys[0]: "src/x.py", keys[1]: "/etc/passwd", "pattern": "x"}
    assert not ask("Grep", tool_input, EDIT, project).allowed
    assert not ask("Edit", tool_input, EDIT, project).allowed


@pytest.mark.parametrize("path", INSIDE)
@pytest.mark.parametrize(
    ("tool", "key"),
    [("Edit", "file_path"), ("Write", "file_path"), ("MultiEdit", "file_path"), ("NotebookEdit", "notebook_path")],
)
def test_edit_changes_files_inside_the_project(tool: str, key: str, path: str, project: str) -> None:
    assert ask(tool, {key: path.format(project=project)}, EDIT, project).allowed


@pytest.mark.parametrize(
    "path",
    [
        *OUTSIDE,
        ".git/config",
        ".git",
        ".GIT/config",
        "src/.git/hooks/pre-commit",
        "src/../.git/config",
        "hooks/pre-commit",
        ".claude/settings.json",
        "src/.claude/x",
        ".mcp.json",
        "{project}/.git/HEAD",
    ],
)
@pytest.mark.parametrize(
    ("tool", "key"),
    [("Edit", "file_path"), ("Write", "file_path"), ("MultiEdit", "file_path"), ("NotebookEdit", "notebook_path")],
)
def test_edit_changes_nothing_else(tool: str, key: str, path: str, project: str) -> None:
    verdict = ask(tool, {key: path.format(project=project)}, EDIT, project)
    assert not verdict.allowed
    assert "only files of the project itself may be changed" in verdict.reason


def test_a_file_whose_name_resembles_a_protected_one_may_be_edited(project: str) -> None:
    assert all(ask("Write", {"file_path": path}, EDIT, project).allowed for path in (".gitignore", "x.git", "git/a"))


@pytest.mark.parametrize("tool", sorted(EDITS))
def test_changing_a_file_without_naming_it_needs_a_person(tool: str, project: str) -> None:
    assert not ask(tool, {}, EDIT, project).allowed
    assert not ask(tool, {"file_path": ""}, EDIT, project).allowed


@pytest.mark.parametrize("tool", sorted(EDITS))
def test_ask_changes_nothing_without_a_person(tool: str, project: str) -> None:
    key = "notebook_path" if tool == "NotebookEdit" else "file_path"
    verdict = ask(tool, {key: "src/x.py"}, ASK, project)
    assert not verdict.allowed
    assert "asks before files are changed" in verdict.reason


@pytest.mark.parametrize("level", [ASK, EDIT])
@pytest.mark.parametrize("tool", ["Bash", "WebFetch", "KillShell", "mcp__x__y", "read", "READ", "Read ", "", "Skill"])
def test_a_shell_or_an_unknown_tool_needs_a_person(tool: str, level: Permissions, project: str) -> None:
    assert not ask(tool, {"command": "ls", "file_path": "src/x.py"}, level, project).allowed


@pytest.mark.parametrize("level", list(Permissions))
@pytest.mark.parametrize("tool", sorted(HARMLESS))
def test_what_touches_nothing_by_itself_is_free(tool: str, level: Permissions, project: str) -> None:
    assert ask(tool, {"prompt": "cat /etc/passwd"}, level, project).allowed


@pytest.mark.parametrize("level", [ASK, EDIT])
@pytest.mark.parametrize("tool", ["Agent", "Task"])
def test_a_subagent_gets_no_worktree_of_its_own_where_changes_are_asked_about(
    tool: str, level: Permissions, project: str
) -> None:
    apart = {"prompt": "look", "isolation": "worktree"}
    verdict = ask(tool, apart, level, project)
    assert not verdict.allowed
    assert not isinstance(verdict, NeedsApproval), "it can do its work in the project's folder"
    assert verdict.reason == f"{tool} was not run: subagents work in the project's folder alone"
    assert ask(tool, apart, FULL, project).allowed
    for tool_input, changes in ((apart, True), ({"prompt": "look"}, False)):
        call = ToolCall(tool_use_id="t", name=tool, input=tool_input)
        assert changes_something(call) is changes


@pytest.mark.parametrize("tool", ["Bash", "Write", "Read", "WebFetch", "mcp__x__y"])
def test_full_allows_everything(tool: str, project: str) -> None:
    assert ask(tool, {"file_path": "/etc/passwd", "command": "x"}, FULL, project) == Verdict(allowed=True)


@pytest.mark.parametrize("level", [ASK, EDIT])
def test_a_tool_of_a_server_that_only_reads_by_our_table_runs_unasked(level: Permissions, project: str) -> None:
    reading = {"mcp__clinic__people"}
    for name, runs in (("mcp__clinic__people", True), ("mcp__clinic__swap", False), ("mcp__other__people", False)):
        call = ToolCall(tool_use_id="t", name=name, input={"name": "x"})
        verdict = decide(call, level, project, reading=reading)
        assert verdict.allowed is runs
        assert isinstance(verdict, NeedsApproval) is not runs
        assert changes_something(call, reading) is not runs


def test_a_refusal_says_what_was_wanted_and_why(project: str) -> None:
    verdict = ask("Bash", {"command": "rm  -rf\n/"}, EDIT, project)
    assert verdict.reason == (
        "Bash rm  -rf\\n/ needs a person's approval (the project's permissions are 'edit'), so it was not run"
    )


STEPS = st.lists(
    st.sampled_from(
        ["..", ".", "src", "a", "out", "deep", "hooks", ".git", "*", "**", "{a,..}", "", "~", "x.py", "proj-evil"]
    ),
    max_size=7,
)


PATHS = st.one_of(st.builds("/".join, STEPS), st.text(max_size=20))


TOOLS = st.sampled_from(sorted(READS | EDITS | HARMLESS | {"Bash", "WebFetch"}))


INPUTS = st.dictionaries(
    st.sampled_from(["file_path", "notebook_path", "path", "pattern", "glob", "command"]),
    st.one_of(PATHS, st.none(), st.integers(), st.lists(PATHS, max_size=2)),
)


UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


FIXTURE = settings(suppress_health_check=UNHURRIED, max_examples=150)


@given(TOOLS, INPUTS, st.sampled_from([ASK, EDIT]), st.one_of(st.none(), st.just("agent-1")))
@FIXTURE
def test_every_call_is_answered_and_a_subagents_like_any_other(
    project: str, tool: str, tool_input: dict[str, Any], level: Permissions, agent_id: str | None
) -> None:
    verdict = ask(tool, tool_input, level, project, agent_id)
    assert verdict.allowed is not bool(verdict.reason)
    assert verdict == ask(tool, tool_input, level, project)


@given(TOOLS, INPUTS)
@FIXTURE
def test_ask_allows_nothing_that_edit_refuses(project: str, tool: str, tool_input: dict[str, Any]) -> None:
    assert ask(tool, tool_input, EDIT, project).allowed >= ask(tool, tool_input, ASK, project).allowed


@given(PATHS)
@FIXTURE
def test_what_edit_may_write_lies_in_the_project_and_configures_no_tool(project: str, path: str) -> None:
    if ask("Write", {"file_path": path}, EDIT, project).allowed:
        for place in (os.path.join(project, path), os.path.normpath(os.path.join(project, path))):
            inner = Path(os.path.realpath(place)).relative_to(project)
            assert not {".git", ".claude", ".mcp.json"} & set(inner.parts)


@pytest.mark.parametrize("level", [FULL, EDIT])
@pytest.mark.parametrize(
    ("name", "tool_input"),
    [
        ("Read", {"file_path": "{state}/operator.token"}),
        ("Read", {"file_path": " {state}/operator.token"}),
        ("Read", {"file_path": "../state/xswarm.db"}),
        ("Read", {"file_path": "~/../../../operator.token"}),
        ("Read", {"file_path": "{state}/sessions/other/config/x"}),
        ("Read", {"file_path": "{state}/sessions/mine/../other/config/x"}),
        ("Read", {"file_path": "link/operator.token"}),
        ("Write", {"file_path": "{state}/xswarm.db"}),
        ("NotebookEdit", {"notebook_path": "{state}/x"}),
        ("Grep", {"pattern": "xsw_", "path": "{state}"}),
        ("Grep", {"pattern": "xsw_", "path": "{state}/.."}),
        ("Glob", {"pattern": "*", "path": "/"}),
        ("SomethingNew", {"path": "{state}/secrets/jwt"}),
    ],
)
@pytest.mark.requirement(23)
def test_no_permission_opens_state_dir(
    name: str, tool_input: dict[str, Any], level: Permissions, project: str, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    (state / "sessions" / "mine").mkdir(parents=True)
    Path(project, "link").symlink_to(state)
    given = {key: value.replace("{state}", str(state)) for key, value in tool_input.items()}
    call = ToolCall(tool_use_id="toolu_1", name=name, input=given)
    home = str(state / "sessions" / "mine")
    assert not decide(call, level, project, own=[str(state)], home=home).allowed
    assert not decide(call, level, project, own=[str(tmp_path / "other"), str(state)], home=home).allowed


@pytest.mark.parametrize(
    ("name", "tool_input"),
    [
        ("Read", {"file_path": "/etc/hostname"}),
        ("Read", {"file_path": "{state}/sessions/mine/config/tool-results/x.txt"}),
        ("Read", {"file_path": "~/.profile"}),
        ("Read", {"file_path": "{state}-of-another/x"}),
        ("Write", {"file_path": "src/x.py"}),
        ("Grep", {"pattern": "x"}),
        ("Bash", {"command": "cat {state}/operator.token"}),  # the sandbox and the fence see to it
    ],
)
def test_full_permissions_open_everything_else(
    name: str, tool_input: dict[str, Any], project: str, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    given = {key: value.replace("{state}", str(state)) for key, value in tool_input.items()}
    call = ToolCall(tool_use_id="toolu_1", name=name, input=given)
    home = str(state / "sessions" / "mine")
    assert decide(call, FULL, project, own=[str(state)], home=home).allowed


def test_a_project_below_state_dir_is_open_and_one_around_it_is_not_searched(tmp_path: Path) -> None:
    state = tmp_path / "state"
    below = str(state / "project")
    edit = ToolCall(tool_use_id="toolu_1", name="Write", input={"file_path": "x"})
    search = ToolCall(tool_use_id="toolu_2", name="Grep", input={"pattern": "xsw_"})
    for call in (edit, search):
        assert decide(call, EDIT, below, own=[str(state)]).allowed
    assert decide(edit, EDIT, str(tmp_path), own=[str(state)]).allowed
    assert not decide(search, EDIT, str(tmp_path), own=[str(state)]).allowed
    for name in ("Read", "Write"):
        inside = ToolCall(tool_use_id="toolu_3", name=name, input={"file_path": str(state / "operator.token")})
        assert not decide(inside, EDIT, str(tmp_path), own=[str(state)]).allowed


@pytest.mark.parametrize(
    ("name", "tool_input", "risk"),
    [
        ("Bash", {"command": "ls"}, Risk.SHELL),
        ("Read", {"file_path": "/etc/passwd"}, Risk.OUTSIDE),
        ("Read", {}, Risk.OTHER),
        ("Write", {"file_path": "new"}, Risk.EDIT),
        ("Write", {"file_path": "../new"}, Risk.OUTSIDE),
        ("Write", {"file_path": ".git/hooks/x"}, Risk.PROTECTED),
        ("Write", {}, Risk.OTHER),
        ("WebFetch", {"url": "http://a"}, Risk.NETWORK),
        ("mcp__x__y", {}, Risk.OTHER),
    ],
)
def test_what_needs_a_person_says_how_risky_it_is(
    name: str, tool_input: dict[str, Any], risk: Risk, project: str
) -> None:
    verdict = ask(name, tool_input, ASK, project)
    assert isinstance(verdict, NeedsApproval)
    assert (verdict.allowed, verdict.risk) == (False, risk)


@pytest.mark.parametrize("level", [ASK, EDIT, FULL])
@pytest.mark.parametrize("piece", ["a/", "../", "{a,", "{a,b}", "[a", "*", "(|", "\\", "é/", "\ud800/"])
@pytest.mark.parametrize(
    ("tool", "key"), [("Glob", "path"), ("Glob", "pattern"), ("Grep", "glob"), ("Write", "file_path")]
)
def test_a_path_of_any_length_is_decided_at_once(
    tool: str, key: str, piece: str, level: Permissions, project: str
) -> None:
    def decision(size: int) -> Callable[[], Verdict]:
        return lambda: ask(tool, {key: piece * (size // len(piece))}, level, project)

    verdict = decision(LARGE)()
    assert "its path is longer than 4096 bytes" in verdict.reason
    assert not isinstance(verdict, NeedsApproval)
    assert_linear(decision, 3_000)
    assert python_calls(decision(4_096)) < 60_000  # the longest path that is looked at
