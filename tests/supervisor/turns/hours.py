"""Hours that pass for a running turn at once, so that no test has to keep up with a short time limit."""

from __future__ import annotations

from supervisor.turns.running.turn import RunningTurn
from tests.waiting import until

SECONDS = 7_200
"""More than a turn may take."""


def let_hours_pass(running: RunningTurn) -> None:
    """Let the clock of a turn take its last look for two hours old; it stands while the turn asks, as ever."""
    running.clock._noted -= SECONDS


async def looked_at_the_time(running: RunningTurn) -> None:
    """Let the driver of a turn look whether its time is up, and wait until it has done so."""
    pause = running.pause
    running.wake()
    await until(lambda: running.pause is not pause or running.ended.done(), "its driver has looked at the time")
