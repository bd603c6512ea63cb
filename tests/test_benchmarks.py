"""Every benchmark runs in its short form and prints its ratios; no test asserts a speed."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.process import environment
from tests.packaging.project import ROOT
from tests.slowness import scaled

DEADLINE_SECONDS = 300.0
"""For a machine that is busy with other work."""


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """The results of all benchmarks, run one after the other in one subprocess."""
    command = [sys.executable, "-m", "benchmarks", "--short", "--json"]
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
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.cli_process
@pytest.mark.parametrize("name", BENCHMARKS)
def test_short_form_of_every_benchmark_prints_its_ratios(results: dict[str, Any], name: str) -> None:
    figures = results["benchmarks"][name]
    assert figures
    for figure in figures:
        assert math.isfinite(figure["value"]), figure
        assert math.isfinite(figure["ratio"]), figure
        assert figure["baseline"]["name"], figure


def test_json_says_that_the_run_was_short(results: dict[str, Any]) -> None:
    assert results["short"] is True
