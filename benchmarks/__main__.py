"""`python -m benchmarks [NAME ...] [--short] [--json]`: runs benchmarks and prints each figure beside its baseline."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import (
    chat,
    checkpoints,
    claude,
    cluster,
    costs,
    exchange,
    gateway,
    idle,
    live,
    lmtp,
    postgres,
    reaping,
    recovery,
    residency,
    sessions,
    size,
    start,
    transactions,
    webhooks,
)
from benchmarks.figures import Figure, table

Benchmark = Callable[[Path, bool], Coroutine[Any, Any, list[Figure]]]

BENCHMARKS: dict[str, Benchmark] = {
    "sessions": sessions.measure,
    "exchange": exchange.measure,
    "transactions": transactions.measure,
    "postgres": postgres.measure,
    "cluster": cluster.measure,
    "costs": costs.measure,
    "size": size.measure,
    "reaping": reaping.measure,
    "recovery": recovery.measure,
    "idle": idle.measure,
    "checkpoints": checkpoints.measure,
    "gateway": gateway.measure,
    "webhooks": webhooks.measure,
    "lmtp": lmtp.measure,
    "start": start.measure,
    "claude": claude.measure,
    "live": live.measure,
    "residency": residency.measure,
    "chat": chat.measure,
}
"""The benchmarks by name. Each takes an empty folder and whether to run short, and returns figures."""


def main() -> None:
    """Run the named benchmarks, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; none means all")
    parser.add_argument(
        "--short", action="store_true", help="a few rounds: checks that it works; the figures mean nothing"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there is {', '.join(BENCHMARKS)}")
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    results = {name: _run(name, chosen) for name in chosen.names or BENCHMARKS}
    if chosen.json:
        figures = {name: [figure.as_json() for figure in found] for name, found in results.items()}
        print(json.dumps({"environment": _environment(), "short": chosen.short, "benchmarks": figures}, indent=2))


def _run(name: str, chosen: argparse.Namespace) -> list[Figure]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"xswarm-bench-{name}-") as folder:
        found = uvloop.run(BENCHMARKS[name](Path(folder), chosen.short))
    if not chosen.json:
        how = ", short" if chosen.short else ""
        print(f"{name} ({time.monotonic() - began:.0f} s{how})\n{table(found)}\n", flush=True)
    return found


def _environment() -> dict[str, Any]:
    return {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}


if __name__ == "__main__":
    main()
