"""Three nodes on one PostgreSQL: their turns against those of one, live events across nodes, and a take-over."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import capacity, deltas, takeover
from benchmarks.figures import Figure
from tests.postgres_server import NoServer, postgres_server


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure what several nodes gain and cost; without a PostgreSQL to start, say so and measure nothing."""
    try:
        with postgres_server() as server:
            return [
                *await capacity.measure(server, folder / "capacity", short),
                *await deltas.measure(server, folder / "deltas", short),
                *await takeover.measure(server, folder / "takeover", short),
            ]
    except NoServer as error:
        print(f"cluster: not measured: {error}", file=sys.stderr)
        return []
