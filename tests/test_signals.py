"""A shell may start pytest with signals ignored; this changes nothing for tests and their subprocesses."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROGRAM = """
import signal, subprocess, sys
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, getattr(signal, sys.argv[1]))
from tests.signals import restore_defaults
restore_defaults()
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
signal.raise_signal(signal.SIGHUP)
print(subprocess.run(["sh", "-c", "grep SigIgn: /proc/$$/status"], capture_output=True, text=True).stdout.split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows which signals are ignored")
def test_ignored_signals_are_not_inherited_and_a_hangup_does_not_end_pytest() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, "SIG_IGN"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    default_handler, ignored = done.stdout.split()
    assert default_handler == "True"
    names = {number.name for number in signal.valid_signals() if int(ignored, 16) >> (number - 1) & 1}
    assert not names & {"SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"}


def test_signals_that_are_not_ignored_stay_unchanged() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, "SIG_DFL"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGHUP, done.stdout
