"""What a piece of work costs: CPU time of this thread, and calls of Python functions. Other load does not count."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

SMALL, LARGE = 16_384, 131_072
"""The sizes of the inputs that are compared, in characters or bytes."""

MOST_FOLD = 32.0
"""CPU time for `LARGE` against `SMALL`, 8 times less: four times linear time, half of quadratic time."""

FIXED_CALLS = 2_000
"""Calls of Python functions that an input of any size may take, e.g. for the words of a header up to a limit."""

NOISE_SECONDS = 0.002
"""CPU times below it are not compared."""


def assert_linear(work: Callable[[int], Callable[[], Any]], calls_per_kb: int) -> None:
    """Check that work takes linear time, and no more calls of Python functions per KB of its input than stated.

    Args:
        work: returns, for a size, a function that works on an input of that size.
    """
    small, large = work(SMALL), work(LARGE)
    calls = python_calls(small)  # the larger input takes 8 times as long under the profiler, and tells no more
    assert calls <= calls_per_kb * SMALL // 1024 + FIXED_CALLS, f"{calls * 1024 // SMALL} calls per KB"
    small_seconds = cpu_seconds(small)
    large_seconds = cpu_seconds(large, enough=MOST_FOLD * small_seconds)
    if large_seconds > NOISE_SECONDS:
        fold = large_seconds / max(small_seconds, 1e-6)
        assert fold <= MOST_FOLD or small_seconds < NOISE_SECONDS / MOST_FOLD, f"{fold:.1f}-fold"


def cpu_seconds(work: Callable[[], Any], times: int = 3, *, enough: float = 0.0) -> float:
    """Return the CPU time of this thread for the work, the best of several times.

    Args:
        enough: seconds; a time that is not longer is good enough, and the work is not done again.
    """
    best = float("inf")
    for _ in range(times):
        begin = time.thread_time()
        work()
        best = min(best, time.thread_time() - begin)
        if best <= enough:
            break
    return best


def python_calls(work: Callable[[], Any]) -> int:
    """Return how many Python functions the work calls; a generator counts each time that it goes on."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
