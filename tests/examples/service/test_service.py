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


def test_it_has_ten_lines() -> None:
    (main,) = [
        node for node in ast.parse(SERVICE.read_text(encoding="utf-8")).body if isinstance(node, ast.AsyncFunctionDef)
    ]
    last, first = main.body[-1].end_lineno, main.body[1].lineno  # the docstring is none
    assert last is not None
    assert last - first + 1 <= 10
