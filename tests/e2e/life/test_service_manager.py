"""The daemon under a service manager: it says when it is ready, gives signs of life, and says that it stops."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.process import ROOT, DaemonProcess
from tests.slowness import scaled

pytestmark = [pytest.mark.e2e]

UNIT = ROOT / "docs" / "operations" / "xswarm.service"

BREAKS_BUBBLEWRAP = """
    RestrictNamespaces ProtectKernelTunables ProtectKernelLogs ProtectControlGroups ProcSubset ProtectProc PrivateUsers
    MemoryDenyWriteExecute RootDirectory SystemCallFilter
""".split()
"""Directives with which the sandbox, Node or the control groups of sessions do not work."""


async def test_a_manager_hears_that_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        daemon = DaemonProcess(
            tmp_path,
            config='[claude_code]\nconnector = "echo"\n',
            arguments=("--offline",),
            environment={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"},
        )
        await daemon.start()
        try:
            heard = await _until(manager, "READY=1")
            assert re.search(r"STATUS=xswarm is ready: services ws://\S+, HTTP http://\S+", heard)
            # Whoever was told may connect at once.
            with await asyncio.to_thread(urllib.request.urlopen, f"{daemon.addresses['http']}/healthz") as answer:
                assert answer.status == 200
            await _until(manager, "WATCHDOG=1")
            daemon.send_signal(signal.SIGTERM)
            await _until(manager, "STOPPING=1")
        finally:
            await daemon.stop()


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        missing = "systemd-analyze is not installed; on Debian: apt-get install systemd"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    text = UNIT.read_text(encoding="utf-8")
    program = tmp_path / "xswarm"  # systemd looks whether the program exists
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    unit = tmp_path / "xswarm.service"
    unit.write_text(text.replace("/opt/xswarm/bin/xswarm", str(program)), encoding="utf-8")
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_waits_for_the_daemon_and_leaves_what_the_sandbox_needs() -> None:
    settings = dict(
        line.split("=", 1) for line in UNIT.read_text(encoding="utf-8").splitlines() if re.match(r"\w+=", line)
    )
    assert settings["Type"] == "notify"
    assert settings["Delegate"] == "yes"
    assert settings["KillMode"] == "mixed"  # with control-group, systemd would end the agents before the drain
    assert settings["WatchdogSec"]
    assert [name for name in BREAKS_BUBBLEWRAP if name in settings] == []


def test_bubblewrap_works_without_new_privileges_and_without_capabilities() -> None:
    """What NoNewPrivileges= and an empty CapabilityBoundingSet= leave to the daemon is enough for the sandbox."""
    sandbox = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "true"]
    nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"] if os.geteuid() == 0 else []
    if shutil.which("bwrap") is None or subprocess.run(["setpriv", *nobody[:3], *sandbox], check=False).returncode:
        pytest.skip("bubblewrap does not work on this machine")
    assert subprocess.run(["setpriv", "--no-new-privs", *nobody, *sandbox], check=False).returncode == 0


async def _until(manager: socket.socket, word: str) -> str:
    """Return the first notice that begins with a word."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(scaled(20.0)):
        while True:
            notice = (await loop.sock_recv(manager, 4096)).decode()
            if notice.startswith(word):
                return notice
