"""A hardened process cannot be read by others of its uid."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.packaging.project import ROOT

HARDENED = """
import ctypes, resource, sys
from supervisor.runtime.hardening import harden
harden()
PR_GET_DUMPABLE = 3
dumpable = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) if sys.platform.startswith("linux") else 0
print(dumpable, resource.getrlimit(resource.RLIMIT_CORE), flush=True)
sys.stdin.readline()
"""


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HARDENED],
        cwd=ROOT,
        env={"SUPERVISOR_TOKEN": "hunter2"},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_a_hardened_process_is_not_dumpable_and_leaves_no_core() -> None:
    with start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0 (0, 0)\n"
        process.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can forbid it")
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every process")
def test_a_hardened_process_keeps_its_environment_from_others_of_its_uid() -> None:
    with start() as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(PermissionError), open(f"/proc/{process.pid}/environ", "rb"):
            pass
        process.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc")
def test_a_hardened_process_shows_its_environment_to_nobody_and_still_has_it() -> None:
    program = """
import os, subprocess, sys
from supervisor.runtime.hardening import forget_environment
forget_environment()
shown = open("/proc/self/environ", "rb").read()
print(set(shown) == {0}, len(shown) > 0, os.environ["SUPERVISOR_TOKEN"], flush=True)
subprocess.run(["/bin/sh", "-c", 'echo "$SUPERVISOR_TOKEN $LATER"'], env=None)
os.environ["LATER"] = "a later one"
subprocess.run(["/bin/sh", "-c", 'echo "$SUPERVISOR_TOKEN $LATER"'], env=None)
"""
    environment = {"SUPERVISOR_TOKEN": "hunter2", "PATH": os.environ["PATH"]}
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == ["True True hunter2", "hunter2 ", "hunter2 a later one"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can forbid it")
def test_a_hardened_process_belongs_to_root_in_proc() -> None:
    with start() as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert os.stat(f"/proc/{process.pid}/environ").st_uid == 0
        process.kill()
