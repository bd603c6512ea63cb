"""`python -m examples.residency`: serves the schedule over stdio; makes a new one where there is none."""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

if __name__ == "__main__":
    gc.disable()  # a quarter of the start is its search through what the SDK of MCP makes

from examples.residency.data.clock import parse_day
from examples.residency.data.database import create
from examples.residency.data.entities import Averaging
from examples.residency.seed.year import SEED, TIME_ZONE, make
from examples.residency.server.context import Parts
from examples.residency.server.server import build

DATABASE = "residency.db"
"""The file that holds the schedule."""


def default_database(environment: Mapping[str, str]) -> Path:
    """Return where the schedule is: in the folder that the daemon names, or else in the user's folder for state."""
    if folder := environment.get("STATE_DIRECTORY"):
        return Path(folder) / DATABASE
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local/state") / "xswarm" / DATABASE


def main(arguments: list[str] | None = None) -> None:
    """Serve until stdin ends."""
    database = default_database(os.environ)
    parser = argparse.ArgumentParser(prog="python -m examples.residency", description=__doc__)
    parser.add_argument("--database", type=Path, default=database, metavar="FILE", help=f"else {database}")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of a new schedule; {SEED} where it is not given")
    parser.add_argument("--today", type=parse_day, metavar="YYYY-MM-DD", help="the day to take for today")
    parser.add_argument("--time-zone", default=TIME_ZONE, help=f"of a new schedule; {TIME_ZONE} where it is not given")
    parser.add_argument(
        "--averaging", type=Averaging, choices=list(Averaging), default=Averaging.BLOCK, help="of a new schedule"
    )
    chosen = parser.parse_args(arguments)
    if not chosen.database.exists():
        today = chosen.today or date.today().toordinal()
        create(
            chosen.database,
            make(chosen.seed, today, time_zone=chosen.time_zone, averaging=chosen.averaging),
        )
    build(Parts(chosen.database, chosen.today)).run()


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    main()
