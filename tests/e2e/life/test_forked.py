"""A daemon that tests start as a fork is what `python -m supervisor` is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.process import DaemonProcess

pytestmark = pytest.mark.e2e


async def test_it_has_the_environment_and_folder_of_a_program_that_was_started(tmp_path: Path) -> None:
    async with DaemonProcess(tmp_path, arguments=("--offline",), environment={"XSWARM_CANARY": "1"}) as daemon:
        assert os.readlink(f"/proc/{daemon.pid}/cwd") == str(tmp_path)
        assert os.readlink(f"/proc/{daemon.pid}/fd/0") == os.devnull
        assert (await daemon.xswarm("claude", "status", "--json")).code == 0
    assert daemon.code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
async def test_its_end_is_told_with_its_exit_code(tmp_path: Path, number: int, code: int) -> None:
    daemon = DaemonProcess(tmp_path, arguments=("--offline",))
    await daemon.start()
    assert daemon.running
    assert await daemon.stop(number) == code
    assert not daemon.running


async def test_one_that_does_not_start_says_why(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path, config="[nothing]\n", arguments=("--offline",))
    with pytest.raises(AssertionError, match="unknown key"):
        await daemon.start()
    assert daemon.code == 1
