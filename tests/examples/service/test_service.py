"""The service in ten lines, against a real daemon."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.e2e.process import ROOT, run
from tests.e2e.world import World, script
from tests.packages.python.xswarm_client.programs import base_environment, environment

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

SERVICE = ROOT / "examples" / "service" / "service.py"


async def test_each_line_is_answered(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        lines = "\n".join([f"claude: {script({'text': 'one'})}", f"claude: {script({'text': 'two'})}"])
        given = base_environment(tmp_path) | await environment(world, "")
        ended = await run([sys.executable, str(SERVICE), "alice"], given, lines)
        assert (ended.code, ended.out) == (0, "one\ntwo\n"), ended
        assert ended.err == "Authenticated successfully\n"


async def test_what_is_wrong_is_told_in_one_line(tmp_path: Path) -> None:
    def command(*arguments: str) -> list[str]:
        return [sys.executable, str(SERVICE), *arguments]

    given = base_environment(tmp_path) | {"XSWARM_TOKEN": "wrong", "XSWARM_URL": "ws://127.0.0.1:9"}
    for ended, told in (
        (await run(command(), given), "usage: "),
        (await run(command("alice"), base_environment(tmp_path)), "usage: "),
        (await run(command("alice"), given), "xswarm cannot be reached: "),
    ):
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(told)
        assert ended.err.count("\n") == 1
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        wrong = given | {"XSWARM_URL": str(world.daemon.addresses["socket"])}
        ended = await run(command("alice"), wrong, "hello\n")
        assert (ended.code, ended.out, ended.err) == (1, "", "Invalid authentication token\n")


def test_it_has_ten_lines() -> None:
    (main,) = [
        node for node in ast.parse(SERVICE.read_text(encoding="utf-8")).body if isinstance(node, ast.AsyncFunctionDef)
    ]
    last, first = main.body[-1].end_lineno, main.body[1].lineno  # the docstring is none
    assert last is not None
    assert last - first + 1 <= 10
