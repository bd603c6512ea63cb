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
from tests.postgres_server import started_server
from tests.slowness import inherited, scaled

ON_POSTGRES = ["postgres", "cluster"]
PLAIN = [name for name in BENCHMARKS if name not in ON_POSTGRES]
"""The benchmarks that need no server of PostgreSQL."""

DEADLINE_SECONDS = 300.0
"""For a machine that is busy with other work."""


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """The results of all benchmarks that need no server, run one after the other in one subprocess."""
    return run(*PLAIN)


def run(*names: str) -> dict[str, Any]:
    """Run benchmarks in their short form; return their results."""
    command = [sys.executable, "-m", "benchmarks", *names, "--short", "--json"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment() | inherited(),
        capture_output=True,
        text=True,
        timeout=scaled(DEADLINE_SECONDS),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.benchmark
@pytest.mark.cli_process
@pytest.mark.parametrize("name", PLAIN)
def test_short_form_of_every_benchmark_prints_its_ratios(results: dict[str, Any], name: str) -> None:
    check(results["benchmarks"][name])


@pytest.mark.postgres
@pytest.mark.cli_process
@pytest.mark.parametrize("name", ON_POSTGRES)
def test_short_form_of_the_benchmarks_on_postgresql_prints_their_ratios(name: str) -> None:
    with started_server():  # skipped where there is none
        pass
    check(run(name)["benchmarks"][name])


def check(figures: list[dict[str, Any]]) -> None:
    """Check that a benchmark has figures, each with its baseline."""
    assert figures
    for figure in figures:
        assert math.isfinite(figure["value"]), figure
        assert math.isfinite(figure["ratio"]), figure
        assert figure["baseline"]["name"], figure


@pytest.mark.benchmark
@pytest.mark.cli_process
def test_json_says_that_the_run_was_short(results: dict[str, Any]) -> None:
    assert results["short"] is True
