"""OR-Tools' CP-SAT, where it is installed. One worker, a fixed seed, and a limit on work done make it repeatable."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SEED = 7
WORK = 6.0
"""The most work of one search, in CP-SAT's deterministic seconds: the same on a busy machine as on an idle one."""

SECONDS = 45.0
"""The longest search by the clock; it ends only a search on a machine that is far too slow."""


def is_installed() -> bool:
    """Say whether OR-Tools is there."""
    return importlib.util.find_spec("ortools") is not None


def cp_model() -> Any:
    """Return OR-Tools' module for models. It takes a second to load, so it is loaded when it is needed.

    Raises:
        ModuleNotFoundError: OR-Tools is not installed.
    """
    return importlib.import_module("ortools.sat.python.cp_model")


@dataclass(frozen=True, slots=True)
class Solution:
    """The best solution that was found.

    Attributes:
        is_true: says of a boolean variable whether it is true.
        is_best: no better solution exists.
    """

    is_true: Callable[[Any], bool]
    is_best: bool


def search(model: Any, *, work: float = WORK) -> Solution | None:
    """Return the best solution that was found, or `None` where there is none.

    Raises:
        TimeoutError: neither a solution was found, nor that there is none.
    """
    cp = cp_model()
    solver = cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.max_deterministic_time = work
    solver.parameters.max_time_in_seconds = SECONDS
    status = solver.solve(model)
    if status in (cp.OPTIMAL, cp.FEASIBLE):
        return Solution(solver.boolean_value, status == cp.OPTIMAL)
    if status == cp.INFEASIBLE:
        return None
    raise TimeoutError("the search found neither a schedule nor that there is none")
