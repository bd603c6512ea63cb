"""How slow this machine is; the deadlines of tests are scaled by it.

The deadlines in the tests are chosen for the machine that the tests are written on. `tests/conftest.py` measures once,
at the start of the run, how much slower this machine is, and keeps the factor in the environment. The workers of
pytest-xdist and the children of tests that wait for facts themselves read it there.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time

SETTING = "XSWARM_TEST_SLOWNESS"
"""The environment variable with the factor; a number above 1 that is set by hand replaces the measurement."""

COUNT_TO = 1_000_000

COUNT_SECONDS = 0.125
"""Reference: what counting takes on the machine that the tests are written on, when nothing else runs there."""

STARTS = 4

START_SECONDS = 0.07
"""Reference: what it takes to start one interpreter that imports asyncio."""


def scaled(seconds: float) -> float:
    """Return a deadline or timeout, in seconds, for this machine.

    Use it for a timeout whose expiry fails the test, never for a timeout that the test wants to expire.
    """
    return seconds * slowness()


def slowness() -> float:
    """Return the factor of this run; 1 = no run of pytest has measured it."""
    return float(os.environ.get(SETTING, "1"))


def inherited() -> dict[str, str]:
    """Return what the environment of a child must hold that waits for facts itself."""
    return {SETTING: str(slowness())}


def settle() -> float:
    """Return the factor that was set by hand, or measure it; keep it for this process and its children.

    Raises:
        ValueError: the variable holds no number, or one below 1.
    """
    given = os.environ.get(SETTING)
    factor = _parsed(given) if given else round(max(1.0, measured()), 1)
    os.environ[SETTING] = str(factor)
    return factor


def measured() -> float:
    """Return the worse of two ratios to the references: of the processor, and of starting processes.

    It takes about half a second on the machine of reference. A share of a core shows in both ratios, as each takes
    longer than the period of a control group, 0.1 s.
    """
    began = time.perf_counter()
    count = 0
    for number in range(COUNT_TO):
        count += number * number % 7
    counted = time.perf_counter()
    for _ in range(STARTS):
        subprocess.run([sys.executable, "-IS", "-c", "import asyncio"], check=True)
    started = time.perf_counter()
    return max((counted - began) / COUNT_SECONDS, (started - counted) / (STARTS * START_SECONDS))


def _parsed(given: str) -> float:
    try:
        factor = float(given)
    except ValueError:
        factor = math.nan
    if not (math.isfinite(factor) and factor >= 1):
        raise ValueError(f"{SETTING}: must be a number, 1 or more, and is {given!r}")
    return factor
