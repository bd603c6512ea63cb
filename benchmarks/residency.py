"""The scheduling example: a year of 30 people checked against all rules, and how that grows to 300 people."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.figures import Figure, compare
from examples.residency.analysis.conflicts import detect
from examples.residency.analysis.contingency import simulate
from examples.residency.analysis.swaps import find_swaps
from examples.residency.data.database import Database, create
from examples.residency.data.reading import Reader
from examples.residency.data.roster import Roster
from examples.residency.rules.check import check_all
from examples.residency.seed.year import SEED, make

FEW, MANY = 30, 300
TODAY = date(2026, 11, 30).toordinal()
REACH = "1 s"
LINEAR = "ratio 1.3"


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Make both programmes, then ask the same questions in turn."""
    rounds = 2 if short else 5
    many = FEW * 2 if short else MANY
    paths = {count: _made(folder / f"{count}.db", count) for count in (FEW, many)}
    rosters = {count: Reader(Database(path)).roster() for count, path in paths.items()}
    loads: list[float] = []
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        loads.append(_cpu_ms(lambda: Reader(Database(paths[FEW])).roster()))
        for count, roster in rosters.items():
            for what, ask in (QUESTIONS if count == FEW else GROWING).items():
                found.setdefault((what, count), []).append(_cpu_ms(lambda ask=ask, roster=roster: ask(roster)))  # type: ignore[misc]
    load = f"reading the year of {FEW} people from the database: CPU"
    figures = [
        compare(f"{what}, {FEW} people: CPU", "ms", found[what, FEW], load, loads, REACH if what == YEAR else "")
        for what in QUESTIONS
    ]
    for what in GROWING:
        each = [value / count * FEW for count in (many,) for value in found[what, count]]
        name = f"{what}, {many} people, for each {FEW}: CPU"
        figures.append(
            compare(name, "ms", each, f"the same of {FEW} people", found[what, FEW], LINEAR if what == YEAR else "")
        )
    return figures


YEAR = "checking a year"


def _check(roster: Roster) -> None:
    check_all(roster, roster.programme.first, roster.programme.last)


def _swaps(roster: Roster) -> None:
    person = next(one.id for one in roster.people.values() if one.name.endswith(" Smith"))
    find_swaps(roster, person, TODAY, 10)


QUESTIONS: dict[str, Callable[[Roster], object]] = {
    YEAR: _check,
    "conflicts of a month": lambda roster: detect(roster, TODAY, TODAY + 30),
    "vulnerable slots of a week": lambda roster: simulate(roster, TODAY, TODAY + 6),
    "swap candidates of one person": _swaps,
}
"""What is measured."""

GROWING = {what: ask for what, ask in QUESTIONS.items() if not what.startswith("vulnerable")}
"""What is also measured with more people. Vulnerable slots look at pairs of people: by the square of a day's staff."""


def _made(path: Path, count: int) -> Path:
    create(path, make(SEED, TODAY, count=count))
    return path


def _cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3
