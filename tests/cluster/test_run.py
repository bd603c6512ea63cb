"""`make run-cluster` as docs/cluster.md describes it: the plug of the node that works is pulled, another answers."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.cluster.run import HELP
from tests.e2e.process import ROOT, scrubbed
from tests.slowness import inherited, scaled

PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


def steps() -> list[str]:
    """Return what the page says to type, in order."""
    (block,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    return [line.removeprefix("> ") for line in block.splitlines() if line.startswith("> ")]


def test_the_page_types_nothing_that_is_not_there() -> None:
    words = {line.split()[0] for line in HELP.splitlines()}
    assert {step.split()[0] for step in steps()} <= words
    assert steps()[-1] == "quit"


@pytest.mark.cluster
@pytest.mark.e2e
async def test_the_steps_of_the_page_work_as_written(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.cluster.run", "--connector", "echo"),
        env=scrubbed(tmp_path, inherited()),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    seen = ""

    async def sees(part: str) -> None:
        nonlocal seen
        try:
            async with asyncio.timeout(scaled(60.0)):
                while part not in seen:
                    line = (await process.stdout.readline()).decode()  # type: ignore[union-attr]
                    assert line, f"it ended before it said {part!r}:\n{seen}"
                    seen += line
        except TimeoutError:
            raise AssertionError(f"it has not said {part!r}:\n{seen}") from None

    await sees("ready\n")
    for step in steps():
        process.stdin.write(f"{step}\n".encode())
        await process.stdin.drain()
        word, _, rest = step.partition(" ")
        answer = f"text to alice:\n{rest.removeprefix('claude: ')}\n"
        if part := {"text": answer, "kill": f"node {rest} has ended", "list": "LEASE"}.get(word):
            await sees(part)
            seen = seen[seen.index(part) + len(part) :]
    async with asyncio.timeout(scaled(60.0)):
        assert await process.wait() == 0
