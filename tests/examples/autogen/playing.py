"""Both programs do the same task: a function in Python and one in shell, each tested, then taken back."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.process import ROOT
from tests.e2e.world import World, script
from tests.examples.autogen.planner import Planner
from tests.packages.python.xswarm_client.programs import environment, program

ENVIRONMENTS = ROOT / ".venv-clients"
"""What `make test-clients` builds: an environment for each generation of AutoGen."""

TABLES = """
[projects.playground]
path = "{path}"
users = ["alice"]
permissions = "full"

"""

PYTHON = """def slug(title):
    return "-".join(title.lower().split())
"""
PYTHON_TEST = "from slug import slug\n\nassert slug('A Small Title') == 'a-small-title'\nprint('python: ok')\n"
SHELL = "tr '[:upper:] ' '[:lower:]-'\n"
SHELL_TEST = "[ \"$(printf 'A Small Title' | sh slug.sh)\" = a-small-title ] && echo 'shell: ok'\n"


def world_of(folder: Path) -> World:
    """Return a world with a project where Claude Code may do everything, inside its sandbox."""
    path = folder / "playground"
    path.mkdir()
    return World(folder, tables=TABLES.format(path=path))


def step(folder: Path, name: str, code: str, test_name: str, test: str, command: str) -> str:
    """Return a prompt for which Claude Code writes a file and its test, and runs the test."""
    writes = [
        {"name": "Write", "input": {"file_path": str(folder / file), "content": content}}
        for file, content in ((name, code), (test_name, test))
    ]
    return script(
        {"tools": writes},
        {"tools": [{"name": "Bash", "input": {"command": f"{command} {test_name}"}}]},
        {"text": f"{name} is written and tested"},
    )


async def play(world: World, program_name: str, environment_name: str) -> None:
    """Run a program with its task and check what it left.

    Raises:
        AssertionError: it did not do it.
    """
    folder = world.folder / "playground"
    prompts = [
        step(folder, "slug.py", PYTHON, "test_slug.py", PYTHON_TEST, "python3 -B"),
        step(folder, "slug.sh", SHELL, "test_slug.sh", SHELL_TEST, "sh"),
    ]
    async with Planner(prompts).served() as planner:
        given = await environment(world) | {
            "XSWARM_PROJECT": str(folder),
            "PLANNER_URL": planner.url,
            "PLANNER_KEY": "none",
        }
        python = str(ENVIRONMENTS / environment_name / "bin" / "python")
        example = ROOT / "examples" / "autogen" / program_name
        task = "slugify a title, in Python and as a shell script"
        ended = await program(example, given, task, python=python, home=world.folder)
        assert ended.code == 0, ended
        assert [heard.splitlines()[0] for heard in planner.heard] == [
            "slug.py is written and tested",
            "slug.sh is written and tested",
        ]
        for heard in planner.heard:
            assert re.search(r"^=== Execution Results ===\n(Write .*: succeeded\n){2}Bash .*: succeeded$", heard, re.M)
        assert re.findall(r"^\d+ create (.*)$", ended.out, re.M) == [
            str(folder / name) for name in ("slug.py", "test_slug.py", "slug.sh", "test_slug.sh")
        ]
        assert (folder / "slug.py").read_text(encoding="utf-8") == PYTHON

        for path in folder.glob("*slug*"):
            path.unlink()
        ended = await program(example, given, task, "--take-back", python=python, home=world.folder)
        assert ended.code == 0, ended
        assert ended.out.rstrip().endswith("turns taken back: 2")
        assert list(folder.glob("*slug*")) == []
