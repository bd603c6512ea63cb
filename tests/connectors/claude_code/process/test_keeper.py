"""The keeper passes on the exit code of its command, and ends all descendants."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from connectors.claude_code.process import tree
from connectors.claude_code.process.fence import KEEPER
from tests.slowness import scaled
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a keeper needs Linux")


def keep(*command: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-I", "-S", KEEPER, *command]
    return subprocess.Popen(argv, env={"PATH": os.environ["PATH"]}, stdin=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill $$", 143)])
def test_the_commands_exit_code_is_its_own(command: str, code: int) -> None:
    with keep("bash", "-c", command) as process:
        assert process.wait(scaled(10)) == code


def test_a_missing_command_is_said() -> None:
    with keep("/nonexistent/command") as process:
        _, said = process.communicate(timeout=scaled(10))
        assert process.returncode == 127
        assert b"/nonexistent/command: No such file or directory" in said


def test_children_that_outlive_the_command_do_not_outlive_the_keeper() -> None:
    with keep("bash", "-c", "setsid sleep 1000 & sleep 1000 & read") as process:
        wait_until(lambda: len(tree.descendants(process.pid)) == 3, "its children run")
        below = tree.descendants(process.pid)
        assert process.stdin is not None
        process.stdin.write(b"end\n")
        process.stdin.flush()
        assert process.wait(scaled(10)) == 0
        assert not any(tree.is_alive(identity) for identity in below)


def test_a_keeper_that_is_told_to_end_leaves_nothing() -> None:
    with keep("bash", "-c", "trap '' TERM; setsid sleep 1000 & setsid bash -c 'sleep 1000 & wait' & wait") as process:
        wait_until(lambda: len(tree.descendants(process.pid)) == 4, "its children run")
        below = tree.descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(scaled(10)) == 143
        assert not any(tree.is_alive(identity) for identity in below)
