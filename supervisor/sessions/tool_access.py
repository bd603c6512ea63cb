"""How turns reach tools that are not Claude Code's own."""

from __future__ import annotations

from dataclasses import field

from supervisor.protocol.values.record import record
from supervisor.sessions.tool_sources import ToolsOfTurn, no_tools
from supervisor.tools.claude_code.gateway import ToolGateway
from supervisor.tools.people.book import PeopleBook
from supervisor.tools.servers.servers import ToolServers


@record
class ToolAccess:
    """The tools of the assistant and of Claude Code.

    Attributes:
        of_turn: those of a turn of the assistant.
        gateway: the way of Claude Code to tool servers; None = there are none.
        book: the people whom models know by references.
    """

    of_turn: ToolsOfTurn = no_tools
    gateway: ToolGateway | None = None
    book: PeopleBook = field(default_factory=PeopleBook)

    @property
    def servers(self) -> ToolServers:
        """The tool servers."""
        return self.gateway.servers if self.gateway is not None else ToolServers()


NO_TOOLS = ToolAccess()
"""Neither has any."""
