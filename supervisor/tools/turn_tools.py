"""The tools of one user in one turn: those of all servers that the user's role allows, with people as references."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from supervisor.cluster.outages import wait_out
from supervisor.people.identity import Directory
from supervisor.protocol.errors import StorageError, UserNotFound
from supervisor.protocol.messages import UserId
from supervisor.protocol.text.refusals import cause
from supervisor.protocol.tools import ToolCall, ToolOutput, Tools, ToolSpec
from supervisor.store.ports.keys import ReferenceStore
from supervisor.store.records.accounts import User
from supervisor.tools.meta import acting
from supervisor.tools.names import full_name
from supervisor.tools.people.book import Circle, PeopleBook
from supervisor.tools.people.people import People, UnknownReference
from supervisor.tools.results import output
from supervisor.tools.servers.answer import Answer, CallFailed, ListedTool
from supervisor.tools.servers.server import ToolServer
from supervisor.tools.servers.servers import CONNECT_SECONDS, ToolServers
from supervisor.tools.topics import Topics

logger = logging.getLogger(__name__)

T = TypeVar("T")

PEOPLE = "People stand here as references such as entity-4f5a1c2e. Use them as they are, also in arguments."
"""Added to the description of each tool whose results hold people."""

MARGIN_SECONDS = 5.0
"""How much longer than its own limit a call may be waited for, in seconds: its server is told that it is cancelled.

In an outage of the database, a call waits for that no longer before it is made.
"""

SPARE_SECONDS = 1.0
"""How long before the client stops waiting a call has its answer, in seconds."""

PREVIEW_SECONDS = 10.0
"""How long a question waits for the preview of its call, in seconds."""

MAX_PREVIEW = 500
"""Characters of the longest preview in a question."""

NOT_MADE = "the call was not made, because the database does not answer; make it again in a few minutes"
MADE = "the call was made, but its answer cannot be read, because the database does not answer"
"""What the model is told of a call during an outage."""

REFUSED = {
    NOT_MADE: "the call was not made, because the database refused: {cause}",
    MADE: "the call was made, but its answer cannot be read, because the database refused: {cause}",
}
"""The same, where it does not pass by itself: a disk is full."""

LOGGED = 500
"""Characters of a server's failure that reach the log."""


class TurnTools(Tools):
    """The tools of servers for one user and conversation.

    Args:
        user: returns the user as they are now; None = the user was removed.
        scope: the conversation, whose references are its own.
        book: knows which reference stands for whom.
        topics: tells other chats who works on what they work on.
        names_missing: whether an answer names the servers that do not work.
    """

    def __init__(
        self,
        servers: ToolServers,
        *,
        user: Callable[[], User | None],
        scope: str,
        book: PeopleBook,
        topics: Topics,
        names_missing: bool = True,
    ) -> None:
        self._servers = servers
        self._user = user
        self._topics = topics
        self._scope = scope
        self._book = book
        self._names_missing = names_missing
        self._circle: Circle | None = None

    def listed(self) -> Sequence[ToolSpec]:
        return [
            ToolSpec(
                name=full_name(server.name, tool.name),
                description=f"{tool.description}\n{PEOPLE}".strip() if server.fields else tool.description,
                input_schema=tool.schema,
                reads=server.reads(safe),
                seconds=server.config.timeout_seconds + MARGIN_SECONDS,
            )
            for server in self._allowed()
            if server.works
            for safe, tool in server.tools.items()
        ]

    def missing(self) -> Sequence[str]:
        return [server.name for server in self._allowed() if not server.works] if self._names_missing else ()

    async def settle(self) -> None:
        down = [server for server in self._allowed() if not server.works]
        if down:
            await asyncio.gather(*(server.settled(CONNECT_SECONDS) for server in down))

    def hidden(self, text: str) -> str:
        return self._circle.people.hidden(text) if self._circle is not None else text

    async def learn(self) -> None:
        if any(server.fields for server in self._servers):  # also of servers that the role may no longer use
            await self._known()

    async def shown(self, call: ToolCall) -> ToolCall | ToolOutput:
        found = self._find(call)
        if isinstance(found, ToolOutput):
            return found
        server, tool = found
        if not server.fields:  # its arguments are what the model wrote
            problem = server.problem(tool, call.input)
            if problem:
                return self._refused(call, "InvalidInput", problem)
            return replace(call, preview=await self._preview(server, tool, call))
        try:
            people = (await wait_out(self._known, f"call {call.tool_use_id}")).people
            problem = people.hidden(server.problem(tool, people.restored(call.input)))
            named = replace(call, input=people.named(call.input))
        except UnknownReference as unknown:
            return self._refused(call, "UnknownReference", str(unknown))
        except StorageError as error:
            return self._failed(call, "StorageError", str(error), _told(NOT_MADE, error))
        if problem:
            return self._refused(call, "InvalidInput", problem)
        return replace(named, preview=await self._preview(server, tool, call))

    async def call(self, call: ToolCall) -> ToolOutput:
        return await self._make(call)

    async def _make(self, call: ToolCall, *, announced: bool = True) -> ToolOutput:
        """Make a call.

        Args:
            announced: other chats on the same are told.
        """
        found = self._find(call)
        if isinstance(found, ToolOutput):
            return found
        server, tool = found
        # One deadline for all that waits for the database, so that the model never reads that time was up instead.
        deadline = time.monotonic() + server.config.timeout_seconds + MARGIN_SECONDS - SPARE_SECONDS
        standing = NOT_MADE
        try:
            circle = Circle(People())
            if server.fields:
                circle = await _by(deadline - server.config.timeout_seconds, self._known, f"call {call.tool_use_id}")
            arguments = circle.people.restored(call.input) if server.fields else call.input
            user = self._user()
            told = acting(user.id, user.name, self._scope) if user is not None else {}
            answer = await server.call(tool, arguments, told)
            standing = MADE
            if answer.failed:
                return self._failed(call, "ToolError", answer.text)
            made = await self._output(server, tool, answer, circle, deadline)
            if announced:
                self._topics.came(server.name, self._scope, answer.meta)
            return made
        except UnknownReference as unknown:
            return self._refused(call, "UnknownReference", str(unknown))
        except CallFailed as failure:
            return self._failed(call, failure.kind, failure.detail)
        except StorageError as error:
            return self._failed(call, "StorageError", str(error), _told(standing, error))
        except Exception as error:
            logger.exception("%s: the tool %s broke", self._scope, call.name)
            return self._failed(call, "InternalError", type(error).__name__)

    async def _preview(self, server: ToolServer, tool: ListedTool, call: ToolCall) -> str:
        """Return what a call would do, as its server says; empty = it says nothing, or not in time."""
        preview = server.preview_of(tool)
        if preview is None:
            return ""
        taken = preview.schema.get("properties", {})
        given = {name: value for name, value in call.input.items() if name in taken}
        asking = replace(call, name=full_name(server.name, preview.name), input=given)
        try:
            async with asyncio.timeout(PREVIEW_SECONDS):
                told = (await self._make(asking, announced=False)).structured or {}
        except TimeoutError:
            return ""
        return str(told.get("summary", ""))[:MAX_PREVIEW]

    def _allowed(self) -> list[ToolServer]:
        user = self._user()
        return self._servers.of_role(user.role) if user is not None else []

    def _find(self, call: ToolCall) -> tuple[ToolServer, ListedTool] | ToolOutput:
        found = self._servers.find(call.name)
        if found is None or found[0] not in self._allowed():
            return self._refused(call, "UnknownTool", "there is no such tool")
        return found

    async def _known(self) -> Circle:
        if self._circle is None:
            self._circle = await self._book.of(self._scope)
        return self._circle

    async def _output(
        self, server: ToolServer, tool: ListedTool, answer: Answer, circle: Circle, deadline: float
    ) -> ToolOutput:
        def learned() -> ToolOutput:
            fresh, made = output(answer, tool.title, server.fields, circle.people)
            circle.unsaved.extend(fresh)  # here, because the thread goes on where its caller is cancelled
            return made

        async with circle.lock:  # two calls side by side may tell of the same new people
            made = await asyncio.to_thread(learned)
        # After a restart a reference must still stand for the same person, so it is kept before it is used; also
        # people whom another call has learned and could not keep.
        await _by(deadline, partial(self._book.keep, self._scope, circle), "an answer")
        return made

    def _refused(self, call: ToolCall, kind: str, why: str) -> ToolOutput:
        """Return a failure that the model can mend, so it is told why."""
        logger.info("%s: %s was not called: %s", self._scope, call.name, kind)
        return ToolOutput(text=f"{failure_text(kind)} ({why})", failed=True)

    def _failed(self, call: ToolCall, kind: str, detail: str, more: str = "") -> ToolOutput:
        """Return a failure of which the model learns the kind; the rest goes to the log under a reference.

        Args:
            more: what else the model is told; empty = nothing.
        """
        reference = secrets.token_hex(4)
        told = self.hidden(detail[:LOGGED])
        logger.warning("%s: %s failed, reference %s: %s: %s", self._scope, call.name, reference, kind, told)
        text = f"{failure_text(kind)} ({more})" if more else failure_text(kind)
        return ToolOutput(text=text, shown=f"{text} (reference {reference})", failed=True)


class Toolbox:
    """Gives each turn its tools.

    Args:
        directory: tells the role of a user, which is read again for each listing and each call.
        store: keeps which reference stands for whom.
        topics: tells other chats who works on what they work on; `None` = it tells nobody.

    Attributes:
        book: the people of all conversations.
    """

    def __init__(
        self, servers: ToolServers, directory: Directory, store: ReferenceStore, topics: Topics | None = None
    ) -> None:
        self.servers = servers
        self._topics = topics or Topics()
        self._directory = directory
        self.book = PeopleBook(store)

    def of_turn(self, user_id: UserId, scope: str, *, names_missing: bool = True) -> TurnTools:
        """Return the tools of a user in a conversation."""
        return TurnTools(
            self.servers,
            user=lambda: self._user(user_id),
            scope=scope,
            book=self.book,
            topics=self._topics,
            names_missing=names_missing,
        )

    def names_for(self, user_id: UserId) -> list[str]:
        """Return the names of the servers that a user may use now, also of those that do not work."""
        user = self._user(user_id)
        return [server.name for server in self.servers.of_role(user.role)] if user is not None else []

    def _user(self, user_id: UserId) -> User | None:
        try:
            return self._directory.user(user_id)
        except UserNotFound:
            return None


async def _by(deadline: float, work: Callable[[], Awaitable[T]], what: str) -> T:
    """Do what needs the database, and wait for it no longer than to a deadline.

    Args:
        deadline: as `time.monotonic` counts.
        what: waits, for the log.

    Raises:
        StorageError: it was not done by then, as far as is known.
    """
    left = max(0.0, deadline - time.monotonic())
    try:
        async with asyncio.timeout(left):  # one attempt alone may take longer
            return await wait_out(work, what, seconds=left)
    except TimeoutError:
        raise StorageError("the database did not answer in time") from None


def _told(standing: str, error: StorageError) -> str:
    """Return what the model is told of a call that the database is in the way of: `NOT_MADE` or `MADE`, and why."""
    return REFUSED[standing].format(cause=cause(error)) if error.lasts else standing


def failure_text(kind: str) -> str:
    """Return what a model is told of a call that failed."""
    return f"Tool execution failed: {kind}"
