"""The benchmark of the console runs in its short form; no test asserts a speed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.process import environment
from tests.browser import chromium
from tests.packaging.project import ROOT
from tests.slowness import scaled

DEADLINE_SECONDS = 120.0
"""For a machine that is busy with other work."""


@pytest.mark.e2e
@pytest.mark.browser
def test_short_form_prints_its_figures() -> None:
    chromium.found()
    command = [sys.executable, "-m", "benchmarks.console", "--short"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=scaled(DEADLINE_SECONDS),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for figure in (
        "open a conversation of 100 messages",
        "longest task at 200 tokens/s for 3 s",
        "from the commit to the dashboard",
    ):
        assert figure in done.stdout
