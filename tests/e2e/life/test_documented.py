"""The commands of README.md and docs/ work as written: the blocks of the first steps are run, all others are parsed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import main
from tests.e2e.process import ROOT, scrubbed
from tests.slowness import scaled

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "config.toml", *(ROOT / "docs").glob("*.md")])
BLOCKS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SPANS = re.compile(r"`(xswarm [^`\n]+)`")


def block_with(page: Path, part: str) -> str:
    """Return the one shell block of a page that contains a text."""
    (found,) = [block for block in BLOCKS.findall(page.read_text(encoding="utf-8")) if part in block]
    return str(found)


def shell_of(folder: Path) -> dict[str, str]:
    """Return an environment in which `xswarm` is this tree, and its state is below a folder."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, module in (("xswarm", "cli.main"),):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return scrubbed(folder, {"XDG_STATE_HOME": str(folder / "state")})


async def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a script that ends at its first failing command; return what it wrote."""
    process = await asyncio.create_subprocess_exec(
        "sh", "-e", "-c", script, cwd=folder, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(scaled(120.0)):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.e2e
@pytest.mark.cli_process
async def test_the_first_steps_for_real_use_work_as_written(tmp_path: Path) -> None:
    steps, last = block_with(ROOT / "README.md", "xswarm init").strip().rsplit("\n", 1)
    assert last == "xswarm serve"
    environment = shell_of(tmp_path)
    assert "ada is ADMIN." in await run(steps, tmp_path, environment)
    ports = (tmp_path / "config.toml").read_text(encoding="utf-8")
    ports = re.sub(r"^port = \d+$", "port = 0", ports, flags=re.MULTILINE)  # those of the file may be in use here
    (tmp_path / "config.toml").write_text(ports, encoding="utf-8")
    exports = "\n".join(line for line in steps.splitlines() if line.startswith("export "))
    daemon = await asyncio.create_subprocess_exec(
        "sh", "-c", f"{exports}\nexec {last}", cwd=tmp_path, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert daemon.stdout is not None
    async with asyncio.timeout(scaled(60.0)):
        assert b"xswarm is ready" in await daemon.stdout.readline()
        daemon.send_signal(signal.SIGTERM)
        assert await daemon.wait() == 0


async def test_the_first_user_of_the_setup_page_is_added_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
    (table,) = [block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "[projects.website]" in block]
    (tmp_path / "config.toml").write_text(table, encoding="utf-8")
    environment = shell_of(tmp_path)
    environment["PATH"] = f"{tmp_path / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    said = await run(block_with(ROOT / "docs" / "setup.md", "xswarm user add"), tmp_path, environment)
    assert said == "ada is ADMIN.\n"


def documented() -> Iterator[tuple[str, str]]:
    """Yield each command line of the pages, with its page; a long block is joined where a line goes on."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCKS.findall(text):
            for line in block.replace("\\\n", " ").splitlines():
                line = line.partition("  #")[0].removeprefix("$ ").replace(".venv/bin/", "").strip()
                if line.startswith("xswarm "):
                    yield page.name, line
        for span in SPANS.findall(text):
            yield page.name, span


@pytest.mark.parametrize(("page", "line"), sorted(set(documented())))
def test_every_documented_command_and_option_exists(page: str, line: str) -> None:
    command: Any = typer.main.get_command(main.app)
    words = line.partition(" <")[0].split()[1:]
    while words and words[0] in (commands := getattr(command, "commands", {})):
        if hasattr(command, "load"):
            command.load(words[0])
        command, words = commands[words[0]], words[1:]
    named = words[0].strip("[](`,") if words else ""
    assert not hasattr(command, "commands") or not named[:1].islower(), f"there is no such command: {line}"
    options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    given = {word.partition("=")[0].strip("[]()`,") for word in words if word.strip("[(").startswith("--")}
    assert given <= options, "there are no such options"
