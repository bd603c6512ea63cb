"""Hours that pass for a running turn at once, so that no test has to keep up with a short time limit."""

from __future__ import annotations

from supervisor.turns.running.turn import RunningTurn
from tests.waiting import until

SECONDS = 7_200
"""More than a turn may take."""


def let_hours_pass(running: RunningTurn) -> None:
    """Let a turn take all that it has noted for two hours old; its clock stands while it asks, as ever."""
    running._noted -= SECONDS
    running._asked -= SECONDS


async def looked_at_the_time(running: RunningTurn) -> None:
    """Let the driver of a turn look whether its time is up, and wait until it has done so."""
    pause = running.pause
    running.wake()
    await until(lambda: running.pause is not pause or running.ended.done(), "its driver has looked at the time")
