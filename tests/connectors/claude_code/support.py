"""Helpers for the tests of this connector: a host, a session, and a reader of its events."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.claude_code.config import ClaudeCodeConfig
from connectors.claude_code.connector import ClaudeCodeConnector
from connectors.claude_code.process.fence import Fence
from connectors.claude_code.process.process import Patience
from connectors.claude_code.session import ClaudeCodeConversation
from connectors.claude_code.watchdog import TimeLimits
from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Exited,
    Failed,
    Finished,
    ModelEndpoint,
    Prompt,
    SessionSpec,
    ToolCall,
    Verdict,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.ports.connector import ConnectorHost
from supervisor.protocol.status import Permissions
from tests.slowness import scaled

TOKEN = "token-of-this-session"
LIMITS = TimeLimits(start=scaled(60.0), receipt=scaled(10.0))
HASTY = Patience(drain=0.2, term=0.2)
"""For processes that do not react to SIGTERM."""


@dataclass
class Policy:
    """Decides by the tool's name, and remembers what it was asked."""

    denied: frozenset[str] = frozenset()
    asked: list[ToolCall] = field(default_factory=list)

    async def __call__(self, call: ToolCall) -> Verdict:
        self.asked.append(call)
        return Verdict(allowed=call.name not in self.denied, reason="not in this test")


@dataclass
class Host(ConnectorHost):
    """A host with a state.dir and no secrets; nodes may share a folder."""

    folder: Path
    shared: Path | None = None

    def secret(self, name: str) -> str | None:
        return None

    @property
    def state_dir(self) -> str:
        return str(self.folder)

    @property
    def own_folders(self) -> Sequence[str]:
        return [str(folder) for folder in (self.folder, self.shared) if folder is not None]


class Reader:
    """Reads the events of a conversation turn by turn, in the only task that does."""

    def __init__(self, conversation: ClaudeCodeConversation) -> None:
        self.conversation = conversation
        self.events = conversation.events()

    async def ask(self, text: str, *, timeout: float = 30.0) -> list[ConversationEvent]:
        """Write a prompt and return its events up to its end."""
        message_id = MessageId(uuid7())
        await self.conversation.prompt(Prompt(message_id=message_id, text=text))
        events = await self.turn(timeout=timeout)
        assert isinstance(events[-1], Finished | Failed)
        assert events[-1].message_id == message_id
        return events

    async def turn(self, *, timeout: float = 30.0) -> list[ConversationEvent]:
        """Return the events up to the end of a turn."""
        return await self.until(Finished, Failed, timeout=timeout)

    async def until(self, *kinds: type[ConversationEvent], timeout: float = 30.0) -> list[ConversationEvent]:
        """Return the events up to the first of some kinds, or to the end of all."""
        seen: list[ConversationEvent] = []
        async with asyncio.timeout(scaled(timeout)):
            async for event in self.events:
                seen.append(event)
                if isinstance(event, (*kinds, Exited)):
                    break
        return seen


def script(*steps: dict[str, Any], say: str = "please") -> str:
    """Return a prompt that the offline model answers by these steps."""
    return f"{say} @@{json.dumps({'steps': list(steps)})}"


def tool(name: str, **fields: Any) -> dict[str, Any]:
    """Return a tool call of a step."""
    return {"name": name, "input": fields}


def make_spec(folder: Path, url: str, policy: Policy, *, resume: bool = False, **fields: Any) -> SessionSpec:
    """Return a session with its project and its home below `folder`."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    given: dict[str, Any] = {
        "id": SessionId("session-1"),
        "conversation_id": str(uuid.uuid4()),
        "resume": resume,
        "user_id": UserId("ann"),
        "project": ProjectName("demo"),
        "project_path": str(project),
        "permissions": Permissions.EDIT,
        "model": None,
        "home": str(folder / "state" / "sessions" / "session-1"),
        "endpoint": ModelEndpoint(base_url=url, token=TOKEN),
        "decide": policy,
        "turn_timeout": scaled(60.0),
    }
    return SessionSpec(**(given | fields))


def make_connector(
    folder: Path,
    *,
    limits: TimeLimits = LIMITS,
    patience: Patience | None = None,
    fences: Sequence[Fence] | None = None,
    shared: Path | None = None,
    **settings: Any,
) -> ClaudeCodeConnector:
    """Return a connector with its state below `folder`; it may share a folder with other nodes."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    config = ClaudeCodeConfig(**settings)
    return ClaudeCodeConnector(config, Host(state, shared), limits=limits, patience=patience, fences=fences)


@asynccontextmanager
async def opened(
    connector: ClaudeCodeConnector, spec: SessionSpec, history: Sequence[Exchange] = ()
) -> AsyncIterator[Reader]:
    """Open a session, and close it at the end in any case."""
    conversation = await connector.open(spec, history)
    try:
        yield Reader(conversation)
    finally:
        await conversation.close()


@contextmanager
def limited(reader: Reader, **limits: float) -> Iterator[None]:
    """Set limits for the running turn, and for those that begin in the context."""
    conversation = reader.conversation
    before = conversation._limits

    def put(limits: TimeLimits) -> None:
        conversation._limits = limits
        if conversation._watchdog is not None:
            conversation._watchdog._limits = limits

    put(dataclasses.replace(before, **limits))
    try:
        yield
    finally:
        put(before)
