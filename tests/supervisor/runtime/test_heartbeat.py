"""The heartbeat: it tells how late the loop is, and is silent while the loop hangs."""

from __future__ import annotations

import time

from supervisor.runtime.heartbeat import Heartbeat
from tests.waiting import until


async def test_a_loop_that_hung_is_reported_as_late() -> None:
    heard: list[float] = []
    heartbeat = Heartbeat(seconds=0.01)
    heartbeat.listen(heard.append)
    heartbeat.start()
    await until(lambda: heard, "it beats")
    beats = len(heard)
    time.sleep(0.1)
    assert len(heard) == beats
    await until(lambda: len(heard) > beats, "it beats again")
    assert max(heard) > 0.05
    await heartbeat.aclose()
    await heartbeat.aclose()


async def test_a_heart_that_was_not_started_ends_quietly() -> None:
    await Heartbeat().aclose()
