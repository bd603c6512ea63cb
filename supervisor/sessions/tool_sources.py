"""Where the tools of a turn of the assistant come from: tool servers, and tools of the daemon itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from supervisor.protocol.tools import ToolCall, ToolOutput, Tools, ToolSpec
from supervisor.store.records.turn import Turn

ToolsOfTurn = Callable[[Turn], Tools | None]
"""Returns the tools of a turn, limited to what its user may use; None = it has none."""


def no_tools(turn: Turn) -> Tools | None:
    """Return None: no turn has tools."""
    return None


class ToolSources:
    """The sources, asked in order. Parts that are built later than the assistant are added before the first turn."""

    def __init__(self, *sources: ToolsOfTurn) -> None:
        self._sources = list(sources)

    def add(self, source: ToolsOfTurn) -> None:
        """Add a source behind the others."""
        self._sources.append(source)

    def of_turn(self, turn: Turn) -> Tools | None:
        """Return the tools of all sources for a turn; None = it has none."""
        found = [tools for source in self._sources if (tools := source(turn)) is not None]
        if not found:
            return None
        return found[0] if len(found) == 1 else Together(found)


class Together(Tools):
    """Several sets of tools as one. Of two tools with one name the first counts."""

    def __init__(self, parts: Sequence[Tools]) -> None:
        self._parts = parts

    def listed(self) -> Sequence[ToolSpec]:
        specs: dict[str, ToolSpec] = {}
        for part in self._parts:
            for spec in part.listed():
                specs.setdefault(spec.name, spec)
        return list(specs.values())

    def missing(self) -> Sequence[str]:
        return [name for part in self._parts for name in part.missing()]

    async def settle(self) -> None:
        for part in self._parts:
            await part.settle()

    def hidden(self, text: str) -> str:
        for part in self._parts:
            text = part.hidden(text)
        return text

    async def learn(self) -> None:
        for part in self._parts:
            await part.learn()

    async def shown(self, call: ToolCall) -> ToolCall | ToolOutput:
        part = self._of(call)
        return _unknown() if part is None else await part.shown(call)

    async def call(self, call: ToolCall) -> ToolOutput:
        part = self._of(call)
        return _unknown() if part is None else await part.call(call)

    def _of(self, call: ToolCall) -> Tools | None:
        return next((part for part in self._parts if any(spec.name == call.name for spec in part.listed())), None)


def _unknown() -> ToolOutput:
    return ToolOutput(text="Tool execution failed: UnknownTool", failed=True)
