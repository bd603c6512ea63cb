"""The port `Tools`: what the core gives a connector whose model has no tools of its own, and the values of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call that the model wants to make.

    Attributes:
        tool_use_id: the id that the model gave this call.
        name: the name of the tool, e.g. `Bash`.
        agent_id: the subagent that makes the call; None = the main agent.
        folder: the working directory of a shell command; empty = the project's folder, or not known.
        preview: what it would do, in the words of its server, for the question about it; empty = not known.
    """

    tool_use_id: str
    name: str
    input: Mapping[str, Any]
    agent_id: str | None = None
    folder: str = ""
    preview: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as the model is told of it.

    Attributes:
        name: as the model sees it: `SERVER__TOOL`, or a plain name for a tool of the daemon; 1 to 128 characters of
            `[a-zA-Z0-9_-]`.
        input_schema: JSON Schema of an object.
        reads: it only reads, by our own configuration. The word of a server never counts.
        seconds: how long a call may take; None = the connector's own limit.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    reads: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """The result of a tool call.

    Attributes:
        text: for the model; people are named by references only.
        failed: the call was not made, or it failed; `text` says so: `Tool execution failed: <Type>`.
        shown: the text for the screen of the person; empty = `text`.
        structured: the whole result as the person may see it, a JSON object, for an artifact; None = there is none.
        title: of the artifact; empty = the name of the tool.
        kind: of the artifact, e.g. `schedule`, `analysis`, `report` or `configuration`; empty = not known.
    """

    text: str
    failed: bool = False
    shown: str = ""
    structured: Mapping[str, Any] | None = None
    title: str = ""
    kind: str = ""


class Tools(ABC):
    """The tools of one user in one turn: what their roles allow, and nothing else."""

    @abstractmethod
    def listed(self) -> Sequence[ToolSpec]:
        """Return the tools, in the order in which the model is told of them. A tool that is down is not among them."""

    def missing(self) -> Sequence[str]:
        """Return the names of the servers whose tools are not among the listed ones, because they do not work now."""
        return ()

    async def settle(self) -> None:  # noqa: B027 - tools of the daemon itself are always there
        """Return when each server that has just been started is connected or has failed, or after some seconds."""

    def hidden(self, text: str) -> str:
        """Return a text that was written for the person as the model may read it: references instead of names."""
        return text

    async def learn(self) -> None:  # noqa: B027 - where nobody is hidden, nobody is to be known
        """Read the people of the conversation, so that `hidden` knows them before the first call.

        Raises:
            StorageError: they cannot be read.
        """

    async def shown(self, call: ToolCall) -> ToolCall | ToolOutput:
        """Return a call as it is shown to the person who decides about it: names instead of references.

        It is asked before the policy is. It never raises.

        Returns:
            An output where the call cannot be made: no such tool, an input against its schema, an unknown reference.
        """
        return call

    @abstractmethod
    async def call(self, call: ToolCall) -> ToolOutput:
        """Make a call that was allowed. It never raises; a failure is an output.

        The caller limits its time and the length of its output. Cancelling it ends the call.
        """
