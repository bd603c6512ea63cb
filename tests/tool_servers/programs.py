"""Real tool servers for the tests: `server_program.py` as a program, or behind a URL."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from supervisor.config import McpConfig
from supervisor.tools.servers.servers import ToolServers, build
from tests.ports import free_port
from tests.slowness import scaled
from tests.waiting import until

PROGRAM = Path(__file__).with_name("server_program.py")

CLINIC = """
[mcp.clinic]
command = {python}
args = [{program}]
read_only = ["people"]
person_fields = ["person_id", "from_person", "to_person", "by_id"]
name_fields = ["name"]

[mcp.clinic.env]
JOURNAL = {journal}
"""
"""Tables of config.toml for that program, a template for `str.format`; the last one is its environment."""
NAME = "clinic"
FIELDS = {"person_fields": ("person_id", "from_person", "to_person", "by_id"), "name_fields": ("name",)}


def table(journal: Path, **settings: Any) -> McpConfig:
    """Return the table of the program; what its tools do is written into `journal`."""
    given: dict[str, Any] = {
        "command": sys.executable,
        "args": (str(PROGRAM),),
        "env": {"JOURNAL": str(journal)},
        "cwd": str(journal.parent),
        "timeout_seconds": scaled(20.0),
        "read_only": ("people",),
        **FIELDS,
    }
    return McpConfig(**(given | settings))


def noted(journal: Path) -> list[str]:
    """Return the lines of a journal."""
    return journal.read_text().splitlines() if journal.exists() else []


@asynccontextmanager
async def connected(
    tables: Mapping[str, McpConfig], secrets: Mapping[str, str] | None = None
) -> AsyncIterator[ToolServers]:
    """Connect to servers, all of which work, until the block ends."""
    async with started(tables, secrets) as servers:
        await until(lambda: all(server.works for server in servers), "every server is connected", 30.0)
        yield servers


@asynccontextmanager
async def started(
    tables: Mapping[str, McpConfig], secrets: Mapping[str, str] | None = None
) -> AsyncIterator[ToolServers]:
    """Start servers, and end them at the end of the block."""
    with TemporaryDirectory() as state:
        servers = await build(tables, (secrets or {}).get, Path(state))
        servers.start()
        try:
            yield servers
        finally:
            await servers.aclose()


@asynccontextmanager
async def behind_url(journal: Path) -> AsyncIterator[str]:
    """Run the program as a server of streamable HTTP; yield its URL."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        "http",
        str(port),
        env={"PATH": os.defpath, "JOURNAL": str(journal)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _listens(port), "the server listens", 30.0)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
