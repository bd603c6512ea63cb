"""The whole daemon in a subprocess, with the echo connector."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from benchmarks.core import MANY, PROJECT, USER, open_bench_store
from benchmarks.process import Watched, started

STATE = "state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A running daemon."""

    process: Watched
    socket_url: str
    token: str
    project_path: str


@asynccontextmanager
async def running_daemon(folder: Path) -> AsyncIterator[Daemon]:
    """Run `xswarm serve --offline` with one user and one project in `folder`, until the context ends."""
    project, state = folder / "project", folder / STATE
    for place in (project, state):
        place.mkdir()
    store = await open_bench_store(state)
    await store.close()
    config = folder / "config.toml"
    config.write_bytes(
        tomli_w.dumps(
            {
                "supervisor": {"port": 0},
                "http": {"port": 0},
                "state": {"dir": str(state)},
                "log": {"level": "warning"},
                "claude_code": {
                    "connector": "echo",
                    "max_sessions": MANY,
                    "max_processes": MANY,
                    "idle_timeout_seconds": 0,
                },
                "projects": {PROJECT: {"path": str(project), "users": [USER], "concurrent": True}},
            }
        ).encode()
    )
    async with started("supervisor", "--offline", "--config", str(config), folder=folder) as process:
        addresses = json.loads((state / "addresses.json").read_text())
        token = Path(addresses["operator_token_file"]).read_text().strip()
        yield Daemon(process=process, socket_url=addresses["socket"], token=token, project_path=str(project))
