"""The figures of benchmarks, each with its baseline of the same run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

COLUMNS = ("figure", "measured", "unit", "baseline", "measured", "ratio", "reach")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured.
        value: the median, in `unit`.
        baseline: what was measured for comparison in the same run.
        base: the median of the baseline, in the same unit.
        ratio: the median of value / base over the rounds.
        reach: the target of the product as text; empty = there is none.
    """

    name: str
    value: float
    unit: str
    baseline: str
    base: float
    ratio: float
    reach: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the figure as a JSON object."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "baseline": {"name": self.baseline, "value": self.base},
            "ratio": self.ratio,
            "reach": self.reach,
        }


def compare(
    name: str, unit: str, values: Sequence[float], baseline: str, bases: Sequence[float], reach: str = ""
) -> Figure:
    """Return the figure of several rounds.

    Args:
        values: one value per round.
        bases: one value of the baseline per round, or one for all rounds.
    """
    paired = [*bases] * len(values) if len(bases) == 1 else bases
    ratios = [value / base if base else math.inf for value, base in zip(values, paired, strict=True)]
    return Figure(
        name=name,
        value=median(values),
        unit=unit,
        baseline=baseline,
        base=median(bases),
        ratio=median(ratios),
        reach=reach,
    )


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as an aligned table."""
    rows = [
        (f.name, short(f.value), f.unit, f.baseline, short(f.base), f"{short(f.ratio)} x", f.reach) for f in figures
    ]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    numbers = (1, 4, 5)
    lines = []
    for row in (COLUMNS, tuple("-" * width for width in widths), *rows):
        cells = [
            cell.rjust(width) if index in numbers else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def short(value: float) -> str:
    """Return a number with three significant digits, without an exponent."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile by the nearest-rank method."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
