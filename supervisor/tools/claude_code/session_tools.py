"""The tools of servers for one process of Claude Code: which calls the policy has allowed, and who makes them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from supervisor.protocol.conversation import ToolEndpoint
from supervisor.protocol.messages import UserId
from supervisor.protocol.tools import ToolCall, ToolOutput, ToolSpec
from supervisor.tools.names import CLAUDE_CODE, full_name
from supervisor.tools.turn_tools import Toolbox, TurnTools, failure_text

NO_TURN = f"{failure_text('NotAllowed')} (no turn of this session is running)"
NOT_DECIDED = f"{failure_text('NotAllowed')} (the policy has not allowed this call)"


class SessionTools:
    """What a process of Claude Code may do with tool servers.

    A call runs only where the policy has allowed this very call, and once: the process holds the token, so a command of
    the shell could call the gateway too.

    Args:
        session_id: also the scope of references to people.
        user: returns the user of the running turn; None = no turn runs.
        endpoint: how the process reaches the gateway.
    """

    def __init__(
        self, toolbox: Toolbox, *, session_id: str, user: Callable[[], UserId | None], endpoint: ToolEndpoint
    ) -> None:
        self.endpoint = replace(endpoint, outdated=self.outdated)
        self._toolbox = toolbox
        self._session_id = session_id
        self._user = user
        self._tools: TurnTools | None = None
        self._of_user: UserId | None = None
        self._allowed: Counter[tuple[str, str]] = Counter()
        self._told: dict[str, Sequence[ToolSpec]] = {}  # by server: the tools that the process was told of

    @property
    def reading(self) -> frozenset[str]:
        """The names in Claude Code of all tools that only read, by our table alone."""
        return self._toolbox.servers.reading

    async def shown(self, call: ToolCall) -> ToolCall | ToolOutput:
        """Return a call as its person reads it, or why it cannot be made; other calls stay as they are."""
        tools = self._of_turn() if call.name.startswith(CLAUDE_CODE) else None
        if tools is None:
            return call
        shown = await tools.shown(replace(call, name=call.name.removeprefix(CLAUDE_CODE)))
        return shown if isinstance(shown, ToolOutput) else replace(shown, name=call.name)

    def hidden(self, text: str) -> str:
        """Return a text for the model, without the people who are known in this conversation."""
        return self._tools.hidden(text) if self._tools is not None else text

    async def learn(self) -> None:
        """Read the people of the conversation, so that `hidden` knows them before the first call.

        Raises:
            StorageError: they cannot be read.
        """
        if (tools := self._of_turn()) is not None:
            await tools.learn()

    def allow(self, call: ToolCall) -> None:
        """Let a call run once, which the policy has allowed."""
        if call.name.startswith(CLAUDE_CODE):
            self._allowed[call.name.removeprefix(CLAUDE_CODE), _canonical(call.input)] += 1

    def forget(self) -> None:
        """Let no call run that was allowed before: its turn has ended."""
        self._allowed.clear()

    def offers(self, server: str) -> bool:
        """Return whether a server works now and belongs to this process."""
        found = self._toolbox.servers.named(server)
        return server in self.endpoint.urls and found is not None and found.works

    def outdated(self) -> Sequence[str]:
        """Return the servers that work and whose tools, as they are now, the process was not told of."""
        working = [name for name in self.endpoint.urls if self.offers(name)]
        return [name for name in working if self._told.get(name) != self._tools_of(name)]

    def listed(self, server: str) -> Sequence[ToolSpec]:
        """Return the tools of a server, with the names that they have there; Claude Code puts its own before them."""
        found = self._tools_of(server)
        self._told[server] = found
        return found

    async def call(self, server: str, tool: str, arguments: Mapping[str, Any]) -> ToolOutput:
        """Make a call that was allowed; a failure is an output."""
        name = full_name(server, tool)
        tools = self._of_turn()
        if tools is None or server not in self.endpoint.urls:
            return ToolOutput(text=NO_TURN, failed=True)
        key = (name, _canonical(arguments))
        if self._allowed[key] < 1:
            return ToolOutput(text=NOT_DECIDED, failed=True)
        self._allowed[key] -= 1
        return await tools.call(ToolCall(tool_use_id="", name=name, input=arguments))

    def _tools_of(self, server: str) -> Sequence[ToolSpec]:
        found = self._toolbox.servers.named(server) if self.offers(server) else None
        if found is None:
            return []
        return [
            ToolSpec(name=safe, description=tool.description, input_schema=tool.schema, reads=found.reads(safe))
            for safe, tool in found.tools.items()
        ]

    def _of_turn(self) -> TurnTools | None:
        """Return the tools of the user whose turn runs; None = no turn runs."""
        user_id = self._user()
        if user_id is None:
            return None
        if self._tools is None or self._of_user != user_id:
            self._tools, self._of_user = self._toolbox.of_turn(user_id, self._session_id), user_id
        return self._tools


def _canonical(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, default=str)
