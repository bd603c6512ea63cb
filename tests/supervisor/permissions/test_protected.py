"""Files that other programs run or obey: an agent that may edit a project does not change them unasked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from supervisor.permissions.policy import NeedsApproval, Risk
from supervisor.permissions.protected import Protection, is_protected
from supervisor.protocol.status import PROTECTED
from tests.supervisor.permissions.verdicts import EDIT, FULL, ask

CONFIG = (
    '[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ..\n\tfsmonitor = "touch $HOME/ran; false"\n'
)
REPOSITORY = {"HEAD": "ref: refs/heads/main\n", "config": CONFIG, "objects/x": "", "refs/x": ""}


def write(project: str, path: str, content: str) -> bool:
    """Write a file as Claude Code does where `edit` allows it; return whether it was written."""
    verdict = ask("Write", {"file_path": path, "content": content}, EDIT, project)
    if verdict.allowed:
        file = Path(project, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    else:
        assert isinstance(verdict, NeedsApproval)
        assert verdict.risk is Risk.PROTECTED
    return verdict.allowed


def test_a_planted_repository_runs_a_command(tmp_path: Path) -> None:
    """The reason for the rule: `git status` in a folder with these four files runs `core.fsmonitor`."""
    for name, content in REPOSITORY.items():
        file = tmp_path / "bare" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run(["git", "status"], cwd=tmp_path / "bare", env=environment, capture_output=True, check=False)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("order", list(permutations(REPOSITORY)))
@pytest.mark.parametrize("folder", ["", "docs/", "deep/x/"])
def test_no_order_of_writes_makes_a_repository(order: Sequence[str], folder: str, project: str) -> None:
    written = [name for name in order if write(project, folder + name, REPOSITORY[name])]
    assert not {"HEAD", "config"} & set(written) or not {"objects/x", "refs/x"} & set(written)
    assert len(written) == 2


def test_a_repository_by_a_common_folder_is_none(project: str) -> None:
    assert write(project, "a/HEAD", "ref: refs/heads/main\n")
    assert write(project, "a/commondir", "../b\n")
    assert write(project, "b/objects/x", "")
    assert write(project, "b/refs/x", "")
    assert not write(project, "b/config", CONFIG)


def test_nothing_is_changed_in_a_repository_that_is_there(project: str) -> None:
    subprocess.run(["git", "init", "-q", "--bare", "fixture.git"], cwd=project, check=True)
    for path in ("hooks/post-index-change", "info/attributes", "config", "CONFIG", "HEAD", "commondir", "objects/ab/c"):
        assert not write(project, f"fixture.git/{path}", "")
    assert write(project, "fixture.git.txt", "")


def test_ordinary_files_with_such_names_are_edited(project: str) -> None:
    Path(project, "rails", "config").mkdir(parents=True)
    for path in ("HEAD", "config", "src/config", "rails/objects/x.rb", "rails/config/routes.rb", "refs/a/b", "objects"):
        assert write(project, path if "/" in path else f"plain-{path}/{path}", "")
    assert write(project, "models/objects/config", "")


@pytest.mark.parametrize(
    "path",
    [
        ".envrc",
        ".vscode/tasks.json",
        ".VSCode/settings.json",
        "sub/.idea/workspace.xml",
        ".husky/pre-commit",
        ".devcontainer/devcontainer.json",
        ".github/workflows/ci.yml",
        ".GitHub/WorkFlows/ci.yml",
        "sub/.github/workflows",
        ".bashrc",
        "home/.zshenv",
        ".profile",
        ".gitconfig",
        ".gitmodules",
        ".config/git/config",
        ".g\u200cit/config",
        "x/../.envrc",
        "./.envrc",
        "{project}/.envrc",
        "new/.vscode",
        "link/tasks.json",
        "link/../.vscode/x",
        "alias",
    ],
)
@pytest.mark.parametrize(
    ("tool", "key"),
    [("Edit", "file_path"), ("Write", "file_path"), ("MultiEdit", "file_path"), ("NotebookEdit", "notebook_path")],
)
def test_what_a_program_runs_is_asked_about(tool: str, key: str, path: str, project: str) -> None:
    Path(project, ".vscode").mkdir()
    Path(project, "link").symlink_to(".vscode")
    Path(project, "alias").symlink_to(".envrc")
    tool_input = {key: path.format(project=project)}
    verdict = ask(tool, tool_input, EDIT, project)
    assert isinstance(verdict, NeedsApproval)
    assert verdict.risk is Risk.PROTECTED
    assert ask(tool, tool_input, FULL, project).allowed


@pytest.mark.parametrize(
    "path", [".gitignore", ".gitattributes", ".github/README.md", "workflows/x", "vscode/x", ".envrc.example", "envrc"]
)
def test_names_that_resemble_them_are_free(path: str, project: str) -> None:
    assert write(project, path, "")


def test_a_relative_path_starts_in_the_folder_of_the_shell(project: str) -> None:
    assert is_protected("workflows/x", project, f"{project}/.github")
    assert is_protected("hooks/x", project, f"{project}/.git")
    assert not is_protected("hooks-2/x", project, f"{project}/src")
    Path(project, "bare", "refs").mkdir(parents=True)
    assert is_protected("config", project, f"{project}/bare")
    assert is_protected("../config", project, f"{project}/bare/refs")


def test_a_list_of_ones_own_replaces_the_names_but_not_those_that_are_always_protected(project: str) -> None:
    assert is_protected("a/Build/Ci.yml", project, protection=Protection(("build/ci.yml",)))
    assert not is_protected("build/x/ci.yml", project, protection=Protection(("build/ci.yml",)))
    assert not is_protected(".envrc", project, protection=Protection(()))
    for path in (".git", ".GIT/config", "src/.mcp.json", "hooks/pre-commit", ".claude/x"):
        assert is_protected(path, project, protection=Protection(()))
    assert ".envrc" in PROTECTED


def test_what_is_about_to_be_written_counts_as_written(project: str) -> None:
    for coming, path in (("a/HEAD", "a/objects/x"), ("a/refs/x", "a/config"), ("new/b/objects/x", "new/b/HEAD")):
        assert not is_protected(path, project)
        assert is_protected(path, project, protection=Protection(coming=[f"{project}/{coming}"]))
    assert not is_protected("b/config", project, protection=Protection(coming=[f"{project}/a/objects/x"]))
