"""A daemon with Claude Code for the tests of the Python package, and programs that use the package."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.process import Ended, run
from tests.e2e.world import World
from xswarm_client import AsyncClient


async def token(world: World, user: str = "alice") -> str:
    """Return a new token of a user; a service's where the name is empty."""
    body = {"user_id": user} if user else {"service": "program"}
    made = await world.operator("POST", "/api/admin/tokens", body)
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


async def environment(world: World, user: str = "alice") -> dict[str, str]:
    """Return what the environment of a program says about the daemon."""
    return {
        "XSWARM_URL": str(world.daemon.addresses["socket"]),
        "XSWARM_HTTP_URL": world.http,
        "XSWARM_TOKEN": await token(world, user),
        "XSWARM_PROJECT": str(world.project()),
    }


async def client(world: World, user: str = "alice") -> AsyncClient:
    """Return a client of a user, which is not connected yet."""
    given = await environment(world, user)
    return AsyncClient(given["XSWARM_URL"], given["XSWARM_TOKEN"], project=given["XSWARM_PROJECT"])


def base_environment(home: Path) -> dict[str, str]:
    """Return an environment without anything about a daemon."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home)}


async def program(
    path: Path, given: Mapping[str, str], *arguments: str, python: str = sys.executable, home: Path | None = None
) -> Ended:
    """Run a program to its end, in a home and folder of its own, with an environment that says what is given."""
    folder = home or path.parent
    command = ["env", "--chdir", str(folder), python, str(path), *arguments]
    return await run(command, base_environment(folder) | dict(given))
