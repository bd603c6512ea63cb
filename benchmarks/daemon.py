"""The whole daemon in a subprocess, with the echo connector."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from benchmarks.core import MANY, PLENTY, PROJECT, USER, open_bench_store
from benchmarks.process import Watched, started
from supervisor.protocol.times import now_ms
from supervisor.store.records.accounts import User

STATE = "state"
PUBLIC_URL = "https://bench.example.test"
"""The URL that a provider signs; nothing is sent to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A running daemon."""

    process: Watched
    socket_url: str
    http_url: str
    token: str
    project_path: str


@asynccontextmanager
async def running_daemon(
    folder: Path,
    *,
    users: Sequence[User] = (),
    channels: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> AsyncIterator[Daemon]:
    """Run `xswarm serve --offline` with one user and one project in `folder`, until the context ends.

    Args:
        users: more users, who may use the project and are not limited.
        channels: the tables of the channels; empty for none.
        secrets: the secrets of the channels.
    """
    project, state = folder / "project", folder / STATE
    for place in (project, state):
        place.mkdir()
    store = await open_bench_store(state)
    for user in users:
        await store.accounts.put_user(user, now_ms=now_ms())
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
                "limits": {"messages_per_minute": PLENTY, "messages_per_hour": PLENTY},
                "projects": {
                    PROJECT: {
                        "path": str(project),
                        "users": [USER, *(user.id for user in users)],
                        "concurrent": True,
                    }
                },
                "channels": dict(channels or {}),
                **({"http": {"port": 0, "public_url": PUBLIC_URL}} if channels else {}),
            }
        ).encode()
    )
    async with started("supervisor", "--offline", "--config", str(config), folder=folder, secrets=secrets) as process:
        addresses = json.loads((state / "addresses.json").read_text())
        token = Path(addresses["operator_token_file"]).read_text().strip()
        yield Daemon(
            process=process,
            socket_url=addresses["socket"],
            http_url=addresses["http"],
            token=token,
            project_path=str(project),
        )
