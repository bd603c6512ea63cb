"""REST: the tools that a person may use, and prompts to begin with."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.people.identity import Caller, Directory
from supervisor.protocol.values.record import record
from supervisor.tools.servers.server import ToolServer
from supervisor.tools.servers.servers import ToolServers
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint


@record
class OfferedTool:
    """A tool; `reads` = it only reads, so nobody is asked about its calls. `category` is empty where it has none."""

    name: str
    title: str
    description: str
    reads: bool
    category: str = ""


@record
class OfferedServer:
    """A tool server; `works` = its tools can be called now. `examples` are prompts with which a person may begin."""

    name: str
    works: bool
    tools: Sequence[OfferedTool]
    examples: Sequence[str]


@record
class OfferedServers:
    """The tool servers that the caller may use, in the order of config.toml."""

    servers: Sequence[OfferedServer]


class OfferedRoutes:
    """The route of tools; a service sees those of all roles."""

    def __init__(self, servers: ToolServers, directory: Directory) -> None:
        self._servers = servers
        self._directory = directory

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("GET", "/api/tools", self.tools)]

    async def tools(self, caller: Calling) -> OfferedServers:
        """Return the tools that the caller may use."""
        return OfferedServers(servers=[_offered(server) for server in self._of(caller)])

    def _of(self, caller: Caller) -> Sequence[ToolServer]:
        if caller.user_id is None:
            return list(self._servers)
        return self._servers.of_role(self._directory.user(caller.user_id).role)


def _offered(server: ToolServer) -> OfferedServer:
    tools = [
        OfferedTool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            reads=server.reads(safe),
            category=tool.category,
        )
        for safe, tool in server.tools.items()
    ]
    examples = tuple(dict.fromkeys((*server.config.examples, *server.prompts)))
    return OfferedServer(name=server.name, works=server.works, tools=tools, examples=examples)
