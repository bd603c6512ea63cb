"""All tool servers of config.toml, and who may use them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from supervisor.config import McpConfig
from supervisor.protocol.status import Role
from supervisor.tools.names import name_in_claude_code, parts
from supervisor.tools.servers.answer import ListedTool
from supervisor.tools.servers.server import Connect, ToolServer
from supervisor.tools.servers.settings import Secret, resolve

CONNECTION = "supervisor.tools.servers.connection"
"""The module that knows the package `mcp`. Its import takes longer than that of the rest of the daemon."""

CONNECT_SECONDS = 10.0
"""How long a turn, or the start of a session, waits for servers that are just starting, in seconds."""


class ToolServers:
    """The tool servers, each with one connection for the life of the daemon.

    Args:
        servers: in the order of config.toml.
    """

    def __init__(self, servers: Sequence[ToolServer] = ()) -> None:
        self._servers: Mapping[str, ToolServer] = {server.name: server for server in servers}

    def __iter__(self) -> Iterator[ToolServer]:
        return iter(self._servers.values())

    @property
    def reading(self) -> frozenset[str]:
        """The names in Claude Code of all tools that only read, by our table alone."""
        return frozenset(name_in_claude_code(server.name, tool) for server in self for tool in server.config.read_only)

    def start(self) -> None:
        """Connect to all servers in the background."""
        for server in self:
            server.start()

    async def settled(self, timeout: float = CONNECT_SECONDS) -> None:
        """Return when each server is connected or has failed once, or after a timeout in seconds."""
        await asyncio.gather(*(server.settled(timeout) for server in self))

    async def aclose(self) -> None:
        """Close all connections, and end all processes."""
        await asyncio.gather(*(server.aclose() for server in self))

    def named(self, name: str) -> ToolServer | None:
        """Return a server."""
        return self._servers.get(name)

    def of_role(self, role: Role) -> list[ToolServer]:
        """Return the servers that a role may use, also those that do not work now."""
        return [server for server in self if role in server.config.roles]

    def find(self, full_name: str) -> tuple[ToolServer, ListedTool] | None:
        """Return the tool with a full name, and its server; None = there is none."""
        name, safe = parts(full_name)
        server = self.named(name)
        tool = server.tools.get(safe) if server is not None else None
        return (server, tool) if server is not None and tool is not None else None


async def build(tables: Mapping[str, McpConfig], secret: Secret, state: Path) -> ToolServers:
    """Return the servers of config.toml; none is started.

    Args:
        state: the folder in which the programs among them may keep data, each in one of its own.

    Raises:
        ConfigError: a secret that a table names is not set.
    """
    settings = {name: resolve(name, table, secret, state=state) for name, table in tables.items()}
    if not settings:
        return ToolServers()
    for name, table in tables.items():
        if table.command:
            (state / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    module = await asyncio.to_thread(importlib.import_module, CONNECTION)
    connect = cast(Connect, module.connected)
    return ToolServers([ToolServer(settings[name], table, connect) for name, table in tables.items()])
