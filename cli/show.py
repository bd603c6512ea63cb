"""Output of commands: tables, money and ages for a person, one JSON document for a program."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from cli.imports import imported
from cli.plain import plain

if TYPE_CHECKING:
    from rich.table import Table

    from supervisor.config import Config


def money(usd: float | None) -> str:
    """Return an amount with two decimals from one dollar on, and with three significant digits below; "-" for None."""
    return amounts([usd])[0]


def amounts(column: Sequence[float | None]) -> list[str]:
    """Return the amounts of a column or a line, all with the decimals of the one that needs the most; "-" for None."""
    decimals = max((_decimals(usd) for usd in column if usd is not None), default=2)
    return ["-" if usd is None else f"${usd:,.{decimals}f}" for usd in column]


def _decimals(usd: float) -> int:
    """Return how many decimals an amount needs: two from one dollar on, and three significant digits below."""
    if usd == 0 or abs(usd) >= 1:
        return 2
    digits = min(9, max(2, 2 - math.floor(math.log10(abs(usd)))))
    return max(2, len(f"{usd:.{digits}f}".rstrip("0").partition(".")[2]))


def age(seconds: float) -> str:
    """Return a duration, given in seconds, in whole units of days, hours, minutes or seconds."""
    seconds = max(0.0, seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def since(timestamp: str | None, now: datetime | None = None) -> str:
    """Return how long ago an RFC 3339 time was, or "-"."""
    if not timestamp:
        return "-"
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return plain(timestamp)
    return age(((now or datetime.now(UTC)) - moment.replace(tzinfo=moment.tzinfo or UTC)).total_seconds())


def moment(timestamp: str | None) -> str:
    """Return an RFC 3339 time to the second in this machine's time zone, or "-"."""
    if not timestamp:
        return "-"
    try:
        return f"{datetime.fromisoformat(timestamp).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return plain(timestamp)


def project(config: Config, path: str) -> str:
    """Return the name of the project with this path in config.toml; the path where there is none."""
    names = (name for name, known in config.projects.items() if PurePath(known.path) == PurePath(path))
    return next(names, path)


def without_node(answer: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each project that no node has and whose messages wait.

    Args:
        answer: of GET /api/admin/nodes.
    """
    server = answer["server"] or {"waiting": []}
    return [f"No node that has the project {name} is running; its messages wait." for name in server["waiting"]]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> Table:
    """Return a table; its first column is never wrapped.

    Args:
        right: the columns that are aligned to the right.
    """
    made: Table = imported("cli.tables").table(columns, rows, right)
    return made


def details(pairs: Iterable[tuple[str, str]]) -> Table:
    """Return a table of names and values, one pair a line."""
    made: Table = imported("cli.tables").details(pairs)
    return made


def out(what: Table | str) -> None:
    """Print a result for a person, on stdout."""
    if isinstance(what, str):
        print(plain(what))
    else:
        imported("cli.tables").draw(what)


def note(text: str) -> None:
    """Print a remark for a person, on stderr."""
    print(plain(text), file=sys.stderr)


def document(value: Any) -> None:
    """Print the one JSON document of `--json`."""
    print(json.dumps(value, indent=2))
