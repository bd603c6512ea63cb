"""Processes are identified by pid and start time, and a tree is ended completely."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from connectors.claude_code.process import tree
from tests.descriptors import no_free_descriptor
from tests.slowness import scaled
from tests.waiting import until, wait_until


@pytest.fixture
def shell() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child in its own session and a grandchild."""
    command = "setsid sleep 1000 & bash -c 'sleep 1000 & wait' & wait; exit 7"
    with subprocess.Popen(["bash", "-c", command], env={"PATH": os.environ["PATH"]}) as process:
        wait_until(lambda: len(tree.descendants(process.pid)) == 3, "its children run")
        yield process
        for identity in tree.descendants(process.pid):
            tree.send(identity, signal.SIGKILL)
        process.kill()


async def test_a_tree_is_ended_to_its_last_leaf(shell: subprocess.Popen[bytes]) -> None:
    below = tree.descendants(shell.pid)
    assert await tree.end_tree(tree.identify(shell.pid), timeout=scaled(10.0)) == []
    assert shell.wait() == -signal.SIGKILL
    await until(lambda: not any(tree.is_alive(identity) for identity in below), "all are gone")


def test_a_process_of_another_start_time_is_another_process(shell: subprocess.Popen[bytes]) -> None:
    identity = tree.identify(shell.pid)
    earlier = dataclasses.replace(identity, started=identity.started - 1)
    assert tree.is_alive(identity)
    assert not tree.is_alive(earlier)
    assert not tree.send(earlier, signal.SIGKILL)
    assert shell.poll() is None


def test_a_process_that_only_waits_to_be_collected_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        identity = tree.identify(process.pid)
        wait_until(lambda: not tree.is_alive(identity), "it has ended")
        assert process.returncode is None


def test_a_name_with_brackets_and_blanks_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    program = tmp_path_factory.mktemp("odd") / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "1000"]) as process:
        entry = tree.look_up(process.pid)
        assert entry is not None
        assert entry.parent == os.getpid()
        process.kill()


def test_we_descend_from_our_parent() -> None:
    assert os.getppid() in tree.ancestors(os.getpid())
    assert os.getpid() in [identity.pid for identity in tree.descendants(os.getppid())]


def test_nobody_is_there_where_nobody_is() -> None:
    assert tree.look_up(2**22 + 1) is None
    assert tree.identify(2**22 + 1).started == 0
    assert not tree.is_alive(tree.identify(2**22 + 1))


async def test_without_a_free_file_no_process_counts_as_ended() -> None:
    process = subprocess.Popen(["sleep", "1000"])
    identity = tree.identify(process.pid)
    with no_free_descriptor():
        assert tree.is_alive(identity)
        assert await tree.end_tree(identity, timeout=0.01) == [identity], "it is left, and this is said"
    assert await tree.end_tree(identity, timeout=scaled(5.0)) == []
    process.wait()
