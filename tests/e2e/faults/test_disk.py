"""A full or read-only disk under state.dir, at the start and at SIGTERM: path and remedy, exit code 1."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import fill, small_disk
from tests.e2e.process import DaemonProcess, Ended

pytestmark = pytest.mark.e2e

ECHO = """
[claude_code]
connector = "echo"
"""

SMALL_FILES = ("sh", "-c", 'ulimit -f 64 && exec "$@"', "sh")
"""A command that runs another where no file grows beyond 64 blocks: too few for a database."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB that is mounted as the state folder of a daemon in `tmp_path`."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    with small_disk(state, "3m"):
        yield state


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def daemon_in(folder: Path, prefix: tuple[str, ...] = ()) -> DaemonProcess:
    return DaemonProcess(folder, config=ECHO, arguments=("--offline",), prefix=prefix)


def told(ended: Ended) -> str:
    """Return the sentence of a daemon that did not start."""
    assert (ended.code, ended.out) == (1, ""), ended
    assert "Traceback" not in ended.err
    return ended.err[ended.err.index("xswarm: ") :]


@pytest.mark.parametrize("size", ["20k", "120k", "300k"])
async def test_a_disk_that_is_too_small_at_the_start(tmp_path: Path, disk: Path, size: str) -> None:
    remount(disk, f"size={size}")
    said = told(await daemon_in(tmp_path).fails_to_start())
    assert str(disk) in said
    assert "free disk space" in said.splitlines()[1]
    assert not (disk / "addresses.json").exists()
    remount(disk, "size=3m")
    async with daemon_in(tmp_path):
        pass  # what the start before left behind is not in the way


async def test_files_that_may_not_grow_at_the_start(tmp_path: Path) -> None:
    daemon = daemon_in(tmp_path, SMALL_FILES)
    said = told(await daemon.fails_to_start())
    assert said.startswith(f"xswarm: Storage failed: {daemon.state / 'xswarm.db'}: ")
    assert "disk" in said.splitlines()[1]


async def test_a_full_disk_at_a_later_start(tmp_path: Path, disk: Path) -> None:
    daemon = daemon_in(tmp_path)
    async with daemon:
        pass
    filler = fill(disk)
    said = told(await daemon.fails_to_start())
    assert str(disk) in said
    assert "No space left on device" in said or "full" in said
    assert "free disk space" in said.splitlines()[1]
    filler.unlink()
    async with daemon:
        pass


async def test_a_read_only_disk_at_the_start(tmp_path: Path, disk: Path) -> None:
    remount(disk, "ro")
    said = told(await daemon_in(tmp_path).fails_to_start())
    assert f"{disk / 'daemon.lock'}: Read-only file system" in said
    assert "writable" in said.splitlines()[1]


async def test_a_full_disk_at_sigterm(tmp_path: Path, disk: Path) -> None:
    daemon = daemon_in(tmp_path)
    await daemon.start()
    filler = fill(disk)
    assert await daemon.stop() == 1
    *_, sentence, remedy = daemon.log
    assert sentence.startswith(f"xswarm: Storage failed: {disk / 'xswarm.db'}: ")
    assert "free disk space" in remedy
    assert not any("Traceback" in line for line in daemon.log)
    assert not (disk / "addresses.json").exists()
    filler.unlink()
    async with daemon:
        assert (await daemon.xswarm("db", "check")).code == 0


@pytest.fixture
def obeying() -> tuple[str, ...]:
    """A command that runs another for which the modes of files count, even if root runs it."""
    if os.geteuid() != 0:
        return ()
    command = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    try:
        refused = subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0
    except OSError:
        refused = True
    if refused:
        pytest.skip("root cannot give up its rights here")
    return command


async def test_a_folder_that_may_not_be_written_at_sigterm_and_at_the_next_start(
    tmp_path: Path, obeying: tuple[str, ...]
) -> None:
    daemon = daemon_in(tmp_path, obeying)
    await daemon.start()
    daemon.state.chmod(0o500)
    try:
        assert await daemon.stop() == 1
    finally:
        daemon.state.chmod(0o700)
    *_, sentence, remedy = daemon.log
    assert sentence.startswith(f"xswarm: Storage failed: {daemon.state}/")
    assert "writable" in remedy
    assert not any("Traceback" in line for line in daemon.log)
    (daemon.state / "daemon.lock").chmod(0o400)
    said = told(await daemon.fails_to_start())
    assert f"{daemon.state / 'daemon.lock'}: Permission denied" in said
    assert "writable" in said.splitlines()[1]
