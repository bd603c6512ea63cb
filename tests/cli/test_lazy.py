"""Commands are listed without their modules; what is said of them there is what they say themselves."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer

from cli.claude import app as claude
from tests.cli.conftest import process_environment


def imported_by(*arguments: str) -> set[str]:
    """Return the modules that are there after a command line."""
    code = "import sys\nfrom cli.main import run\nrun(sys.argv[1:])\nprint('modules:', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=process_environment(), capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("modules:")[2].split())


@pytest.mark.parametrize("name", claude.COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    group: Any = typer.main.get_command(claude.app)
    listed = group.commands[name].help
    group.load(name)
    assert " ".join(group.commands[name].help.partition("\n\n")[0].split()) == listed


def test_a_command_does_not_import_its_neighbours() -> None:
    modules = imported_by("claude", "approvals", "--help")
    assert {name for name in modules if name.startswith("cli.claude.")} == {"cli.claude.app", "cli.claude.approvals"}
    assert not modules & {"asyncio", "websockets"}


def test_a_list_of_commands_imports_none_of_them() -> None:
    modules = imported_by("claude", "--help")
    assert not modules & {"supervisor.config", "cli.show", "cli.claude.status"}
