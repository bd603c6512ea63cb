"""The demo ends with its terminal and with its parent, also where make stands between and survives."""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.demo.lifeline import Lifeline
from tests.packaging.project import ROOT
from tests.slowness import scaled
from tests.waiting import until, wait_until

WATCH = """
import asyncio, sys
from supervisor.demo.lifeline import Lifeline
async def watch():
    watching = asyncio.ensure_future(Lifeline(look_seconds=0.05).broken())
    await asyncio.sleep(0)
    with open(sys.argv[1] + ".new", "w") as told:
        told.write("watching")
    import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
    why = await watching
    with open(sys.argv[1], "w") as told:
        told.write(why)
asyncio.run(watch())
"""
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def told(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("quiet", [False, True])
def test_it_ends_when_the_terminal_of_its_make_is_closed(tmp_path: Path, quiet: bool) -> None:
    (tmp_path / "watch.py").write_text(WATCH)
    away = "</dev/null >/dev/null 2>&1" if quiet else ""
    (tmp_path / "Makefile").write_text(f"run:\n\t@{sys.executable} watch.py {tmp_path}/told {away}\n")
    child, terminal = pty.fork()
    if child == 0:  # make itself leads the session: the hang-up reaches nobody else, and make waits for its child
        os.chdir(tmp_path)
        os.execvpe("make", ["make", "run"], ENVIRONMENT)
    try:
        wait_until(lambda: told(tmp_path / "told") == "watching", "it watches")
        os.close(terminal)
        wait_until(lambda: told(tmp_path / "told") == "its terminal was closed", "it has ended")
    finally:
        os.waitpid(child, 0)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "watch.py").write_text(WATCH)
    script = f"{sys.executable} watch.py {tmp_path}/told & cat"
    parent = subprocess.Popen(
        ["/bin/sh", "-c", script], cwd=tmp_path, env=ENVIRONMENT, stdin=subprocess.PIPE, start_new_session=True
    )
    wait_until(lambda: told(tmp_path / "told") == "watching", "it watches")
    parent.kill()
    parent.communicate()
    wait_until(lambda: told(tmp_path / "told") == "the process that started it has ended", "it has ended")


async def test_with_nohup_it_lives_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        watching = asyncio.ensure_future(Lifeline(look_seconds=0.001).broken())
    finally:
        signal.signal(signal.SIGHUP, before)
    looking = asyncio.ensure_future(Lifeline(look_seconds=0.001).broken())
    await until(lambda: asyncio.current_task() is not None, "a round of the loop", timeout=scaled(1.0))
    assert not watching.done()
    assert not looking.done(), "the parent and the terminal of this test live"
    for task in (watching, looking):
        task.cancel()
    await asyncio.gather(watching, looking, return_exceptions=True)
