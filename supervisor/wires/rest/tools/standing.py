"""The tool servers for the operator: which of them work, and why the others do not."""

from __future__ import annotations

from typing import Any

from supervisor.tools.servers.server import ToolServer
from supervisor.tools.servers.servers import ToolServers
from supervisor.wires.rest.resource import Endpoint


class StandingRoutes:
    """The route of the tool servers.

    Args:
        servers: none where there is no daemon that could connect to them.
    """

    def __init__(self, servers: ToolServers) -> None:
        self._servers = servers

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("GET", "/tools", self.tools)]

    async def tools(self) -> dict[str, Any]:
        """Return the tool servers of config.toml, whether each works now, and the tools that it listed last."""
        return {"servers": [_shown(server) for server in self._servers]}


def _shown(server: ToolServer) -> dict[str, Any]:
    return {
        "name": server.name,
        "works": server.works,
        "why": server.why,
        "roles": list(server.config.roles),
        "tools": [
            {"name": tool.name, "title": tool.title, "reads": server.reads(safe)} for safe, tool in server.tools.items()
        ],
    }
