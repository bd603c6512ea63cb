"""Calls of the server's tools, in the same process, as an MCP client makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.types import CallToolResult, TextContent

from examples.residency.server.context import Parts
from examples.residency.server.server import build

ALICE = {"xswarm/user": {"id": "alice", "name": "Alice Brown"}, "xswarm/chat": "chat-1"}
CARL = {"xswarm/user": {"id": "carl", "name": "Carl Green"}, "xswarm/chat": "chat-2"}


class Caller:
    """Calls tools and returns their structured results.

    Attributes:
        last: the whole result of the last call.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.last: CallToolResult | None = None

    async def __call__(self, tool: str, who: dict[str, Any] | None = None, /, **arguments: Any) -> dict[str, Any]:
        self.last = await self.client.call_tool(tool, arguments, meta=who)  # type: ignore[arg-type]
        assert not self.last.is_error, self.last.content
        found: dict[str, Any] = self.last.structured_content
        return found

    @property
    def text(self) -> str:
        """The text of the last result."""
        assert self.last is not None
        (content,) = self.last.content
        assert isinstance(content, TextContent)
        return content.text

    @property
    def meta(self) -> dict[str, Any]:
        """The `_meta` of the last result."""
        assert self.last is not None
        return dict(self.last.meta or {})


@asynccontextmanager
async def caller(path: Path, today: int) -> AsyncIterator[Caller]:
    """Serve a database to a client until the context ends."""
    async with Client(build(Parts(path, today))) as client:
        yield Caller(client)
