"""docs/operations.md names every metric with its labels, and the alerts use no others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable

import pytest
from prometheus_client.core import Metric

from supervisor.background.load import Load
from supervisor.protocol.status import OutboxState
from supervisor.wires.metrics import gauges
from supervisor.wires.metrics.counts import Counts
from tests.packaging.project import ROOT

PAGE = ROOT / "docs" / "operations.md"
ALERTS = ROOT / "docs" / "operations" / "alerts.yml"

EMPTY = Load(
    running=0,
    waiting=0,
    waiting_seconds=0,
    replies=dict.fromkeys(OutboxState, 0),
    late_seconds=0,
    approvals=0,
    sessions=0,
    processes=0,
    nanos=0,
    today_nanos=0,
)


def exposed() -> set[str]:
    """Return the names of all metrics, as Prometheus stores them."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in _families()
        if family.name.startswith("xswarm_")
    }


def _families() -> Iterable[Metric]:
    yield from Counts().registry.collect()
    yield from gauges.of_load(EMPTY)
    yield from gauges.of_parts({})
    yield from gauges.of_models({})


def test_the_page_names_every_metric_and_no_other() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `xswarm_")]
    named = re.findall(r"`(xswarm_\w+)`", "\n".join(row.split("|")[1] for row in rows))
    assert sorted(named) == sorted(exposed())


def test_alerts_use_metrics_that_exist_and_each_says_what_to_do() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    used = set(re.findall(r"\b(xswarm_\w+)", text))
    assert {name.removesuffix("_bucket") for name in used} <= exposed()
    assert text.count("- alert:") == text.count("remedy:") == text.count("summary:") > 5


@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]])
def test_promtool_accepts_the_alerts_and_they_fire(arguments: list[str]) -> None:
    done = subprocess.run([promtool(), *arguments], cwd=ALERTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def promtool() -> str:
    """Return the path of promtool; skip the test where there is none, but never in CI."""
    path = shutil.which("promtool")
    if path is None:
        missing = "promtool is not installed; on Debian: apt-get install prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path
