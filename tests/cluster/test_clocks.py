"""Clocks of nodes that are an hour apart: leases go by that of the database."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.cluster.cluster import PHONES, slow
from tests.cluster.invariants import check
from tests.cluster.looking import is_ready, runs
from tests.cluster.standby import TAKE_OVER_SECONDS, pair
from tests.e2e.process import ROOT
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]

CLOCK = """
import time
now, now_ns = time.time, time.time_ns
time.time = lambda: now() + {seconds}
time.time_ns = lambda: now_ns() + {seconds} * 10**9
"""


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_clock_that_is_an_hour_off_takes_nothing_over_and_hinders_no_take_over(
    tmp_path: Path, server: PostgresServer, seconds: int
) -> None:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK.format(seconds=seconds), encoding="utf-8")
    async with pair(tmp_path / "nodes", server, PYTHONPATH=f"{tmp_path / 'clock'}:{ROOT}") as cluster:
        assert await cluster.ask("a", slow("before", 0.1), "before")
        status, _ = await cluster.text("a", slow("it runs", scaled(6.0)))
        assert status == 200
        await until(lambda: runs(cluster), "its turn runs")
        await cluster["a"].kill()
        await until(lambda: is_ready(cluster, "b"), "b has taken over", TAKE_OVER_SECONDS, 0.1)
        await cluster.answer("it runs")
        ((noted,),) = await cluster.rows("SELECT at_ms FROM audit WHERE event = 'node.ended'")
        assert abs(noted / 1000 - time.time() - seconds) < 600  # by the clock of b
        await check(cluster, "b", accepted={"before": PHONES["alice"], "it runs": PHONES["alice"]})
