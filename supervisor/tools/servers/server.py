"""A tool server with its one connection, which is opened again whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol

from supervisor.config import McpConfig
from supervisor.protocol.errors import TemporaryFailure
from supervisor.protocol.text.amounts import counted
from supervisor.runtime.children import Child
from supervisor.tools.names import safe_name
from supervisor.tools.people.fields import Fields
from supervisor.tools.servers.answer import Answer, CallFailed, ListedTool
from supervisor.tools.servers.settings import ServerSettings

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 60.0
"""Seconds after which the list of tools is read again, which also shows that the server still answers."""

ALWAYS = 1_000_000
"""Restarts after which a server would be given up: it never is."""


class OpenConnection(Protocol):
    """A connection, as `supervisor.tools.servers.connection` makes it."""

    async def tools(self) -> list[ListedTool]:
        """Return the tools, or raise TemporaryFailure."""

    async def prompts(self) -> list[str]:
        """Return texts with which a person may begin; none where the server has none."""

    async def call(self, tool: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
        """Call a tool, or raise CallFailed."""

    def problem(self, tool: ListedTool, arguments: Mapping[str, Any]) -> str:
        """Return where and how an input is against its schema; empty = it is valid."""

    async def changes(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever the list of tools changes; return when the server tells no more."""


class Connect(Protocol):
    """Connects to a server until the block ends; raises TemporaryFailure."""

    def __call__(
        self,
        settings: ServerSettings,
        *,
        changed: Callable[[], None],
        lost: Callable[[str], None],
        say: Callable[[str], None],
    ) -> AbstractAsyncContextManager[OpenConnection]: ...


class ToolServer:
    """A server of config.toml.

    Args:
        connect: opens a connection.
        look_again: seconds between two looks at the list of tools.

    Attributes:
        config: its table.
        fields: which fields of its results are about people.
        tools: its tools by safe name, as it listed them last; empty until it has ever answered.
        prompts: texts of its own with which a person may begin.
    """

    def __init__(
        self, settings: ServerSettings, config: McpConfig, connect: Connect, *, look_again: float = LOOK_AGAIN_SECONDS
    ) -> None:
        self.name = settings.name
        self.config = config
        self.fields = Fields(persons=frozenset(config.person_fields), names=frozenset(config.name_fields))
        self.tools: Mapping[str, ListedTool] = {}
        self.prompts: Sequence[str] = ()
        self._settings = settings
        self._connect = connect
        self._look_again = look_again
        self._connection: OpenConnection | None = None
        self._calls = 0
        self._news = asyncio.Event()
        self._lost = ""
        self._child = Child(f"tool server {self.name}", self._serve, most=ALWAYS)

    @property
    def works(self) -> bool:
        """Whether the server can be called now."""
        return self._connection is not None

    @property
    def why(self) -> str:
        """Why it does not work; empty = it works."""
        if self.works:
            return ""
        return self._lost or self._child.why or "it is starting"

    def start(self) -> None:
        """Connect in the background."""
        self._child.start()

    async def settled(self, timeout: float) -> None:
        """Return when the server is connected or has failed once, or after a timeout in seconds."""
        await self._child.settled(timeout)

    async def aclose(self) -> None:
        """Close the connection, and end the process with all that it started."""
        await self._child.aclose()

    def reads(self, safe: str) -> bool:
        """Return whether a tool, by its safe name, only reads, by our table alone."""
        return any(safe_name(self.name, tool) == safe for tool in self.config.read_only)

    def preview_of(self, tool: ListedTool) -> ListedTool | None:
        """Return the tool that tells what a call of another one would do; None = there is none."""
        wanted = self.config.previews.get(tool.name)
        return self.tools.get(safe_name(self.name, wanted)) if wanted is not None else None

    async def call(
        self, tool: ListedTool, arguments: Mapping[str, Any], meta: Mapping[str, Any] | None = None
    ) -> Answer:
        """Call a tool.

        Args:
            meta: what goes beside the arguments, to a program on this machine; a server elsewhere does not get it.

        Raises:
            CallFailed: the server does not work, or there is no result.
        """
        opened = self._connection
        if opened is None:
            raise CallFailed("ConnectionError", self.why)
        self._calls += 1
        failed = ""
        try:
            return await opened.call(tool.name, arguments, (meta or {}) if self.config.command else {})
        except CallFailed as failure:
            failed = failure.kind
            raise
        finally:
            self._calls -= 1
            if failed == "ConnectionError" and self._connection is opened:
                self._connection = None  # no further call before it is known to work
            if failed in ("ConnectionError", "ServerError", "TimeoutError") and not self._calls:
                self._news.set()  # look at once whether it still answers

    def problem(self, tool: ListedTool, arguments: Mapping[str, Any]) -> str:
        """Return where and how the input of a call is against its schema; empty = it is valid, or that is not known.

        It holds no value of the input.
        """
        return self._connection.problem(tool, arguments) if self._connection is not None else ""

    async def _serve(self, ready: Callable[[], None]) -> None:
        self._lost = ""
        self._news.clear()
        try:
            async with self._connect(
                self._settings, changed=self._news.set, lost=self._note_loss, say=self._say
            ) as opened:
                await self._list(opened)
                self._connection = opened
                ready()
                logger.info("tool server %s: connected, %s", self.name, counted(len(self.tools), "tool"))
                await self._keep(opened)
        except TemporaryFailure:
            if self._lost:  # how it ended says more than what failed therefore
                raise TemporaryFailure(self._lost) from None
            raise
        finally:
            self._connection = None

    async def _keep(self, opened: OpenConnection) -> None:
        listening = asyncio.create_task(self._listen(opened), name=f"changes of {self.name}")
        try:
            await self._watch(opened)
        finally:
            self._connection = None
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _watch(self, opened: OpenConnection) -> None:
        """Read the list again whenever it has changed, and now and then; ends with the connection.

        Raises:
            TemporaryFailure: the connection is lost.
        """
        while not self._lost:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_again):
                    await self._news.wait()
            asked = self._news.is_set()
            self._news.clear()
            # A server that works on a call may answer nothing else meanwhile; its call has a time limit.
            if not self._lost and (asked or not self._calls):
                await self._list(opened)
                self._connection = None if self._lost else opened
        raise TemporaryFailure(self._lost)

    async def _listen(self, opened: OpenConnection) -> None:
        while True:
            await opened.changes(self._news.set)
            await asyncio.sleep(self._look_again)

    async def _list(self, opened: OpenConnection) -> None:
        listed = {safe_name(self.name, tool.name): tool for tool in await opened.tools()}
        if self.tools and listed.keys() != self.tools.keys():
            logger.info("tool server %s: its tools have changed, now %d", self.name, len(listed))
        self.tools = listed
        self.prompts = await opened.prompts()
        missing = [tool for tool in self.config.read_only if safe_name(self.name, tool) not in listed]
        if missing and self._connection is None:  # once for each connection
            logger.warning("mcp.%s.read_only names tools that it does not have: %s", self.name, ", ".join(missing))

    def _note_loss(self, why: str) -> None:
        self._lost = self._lost or why
        self._connection = None
        self._news.set()

    def _say(self, line: str) -> None:
        logger.info("tool server %s: %s", self.name, line)
