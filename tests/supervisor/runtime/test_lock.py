"""One daemon per state directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.runtime.lock import StateLock
from tests.packaging.project import ROOT
from tests.slowness import scaled
from tests.waiting import wait_until

HOLDER = """
import subprocess, sys
from pathlib import Path
from supervisor.runtime.lock import StateLock
with StateLock(Path(sys.argv[1])):
    if "agent" in sys.argv:  # reads the same pipe, so it ends with the test
        agent = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        subprocess.Popen(agent, close_fds=False, stdout=subprocess.DEVNULL)
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def holder(state_dir: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state_dir), *options],
        cwd=ROOT,
        env={},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    with holder(tmp_path) as process, pytest.raises(ConfigError) as caught, StateLock(tmp_path):
        pass
    assert str(caught.value) == f"state.dir: another xswarm (pid {process.pid}) is using {tmp_path}"
    assert "stop it first" in caught.value.remedy


def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=scaled(60))
        with StateLock(tmp_path):
            assert (tmp_path / "daemon.lock").read_text(encoding="utf-8") == f"{os.getpid()}\n"


def test_a_lock_that_was_left_can_be_taken_again(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    for _ in range(2):
        with lock:
            pass
    assert (tmp_path / "daemon.lock").read_bytes() == b""
    with holder(tmp_path) as process:
        assert process.poll() is None


def test_a_second_lock_of_the_same_process_is_refused(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        with pytest.raises(ConfigError, match=f"pid {os.getpid()}"), StateLock(tmp_path):
            pass
        with StateLock(tmp_path / "other"):
            pass


def test_a_lock_that_an_error_ends_is_free(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), StateLock(tmp_path):
        raise RuntimeError("the daemon broke")
    with StateLock(tmp_path):
        pass


def test_an_agent_that_outlives_a_killed_daemon_does_not_keep_its_lock(tmp_path: Path) -> None:
    with holder(tmp_path, "agent") as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=scaled(60))
        wait_until(lambda: is_free(tmp_path), "the lock is free")


def is_free(state_dir: Path) -> bool:
    try:
        with StateLock(state_dir):
            return True
    except ConfigError:
        return False


def test_the_state_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with StateLock(tmp_path / "deep" / "state"):
        for folder in ("deep", "deep/state"):
            assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700, folder


def test_a_state_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    problem = r"^state\.dir: must be a writable folder"
    with pytest.raises(ConfigError, match=problem), StateLock(tmp_path / "file"):
        pass


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o1777])
def test_a_folder_that_others_can_write_is_refused_and_left_alone(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(ConfigError, match="can be written by other users") as caught, StateLock(folder):
        pass
    assert caught.value.remedy == f"chmod 700 {folder}"
    assert list(folder.iterdir()) == []
    folder.chmod(0o755)
    with StateLock(folder):
        pass
