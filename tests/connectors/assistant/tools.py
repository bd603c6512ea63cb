"""Tools of the tests: each is a function, and every call is noted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from supervisor.protocol.tools import ToolCall, ToolOutput, Tools, ToolSpec

Work = Callable[[Mapping[str, Any]], Awaitable[ToolOutput | str]]

ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {"text": {"type": "string"}}}


async def echo(given: Mapping[str, Any]) -> str:
    """Return the text that it is given."""
    return str(given.get("text", ""))


class FunctionTools(Tools):
    """Tools by name.

    Args:
        seconds: `ToolSpec.seconds` of all of them.
        reads: `ToolSpec.reads` of all of them.
        lacking: the servers that do not work.

    Attributes:
        calls: what was called, in order.
    """

    def __init__(
        self, *, seconds: float | None = None, reads: bool = True, lacking: Sequence[str] = (), **works: Work
    ) -> None:
        self.calls: list[ToolCall] = []
        self._works = works
        self._seconds = seconds
        self._reads = reads
        self._lacking = lacking

    def listed(self) -> Sequence[ToolSpec]:
        return [
            ToolSpec(
                name=name,
                description=(work.__doc__ or name).strip(),
                input_schema=ANY_OBJECT,
                reads=self._reads,
                seconds=self._seconds,
            )
            for name, work in self._works.items()
        ]

    def missing(self) -> Sequence[str]:
        return self._lacking

    async def call(self, call: ToolCall) -> ToolOutput:
        self.calls.append(call)
        result = await self._works[call.name](call.input)
        return result if isinstance(result, ToolOutput) else ToolOutput(text=result)
