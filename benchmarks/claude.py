"""The real Claude Code with the offline model, compared with `ClaudeSDKClient` alone: warm turns and first tokens."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ResultMessage, StreamEvent

from benchmarks.core import USER, Core, core
from benchmarks.figures import Figure, compare
from benchmarks.process import environment, started
from connectors.claude_code import command
from connectors.claude_code.process import fence, shelter
from supervisor.operations.work_request import WorkRequest
from supervisor.protocol.events import AnyEvent, ClaudeCodeDelta
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason

PROMPT = "hello"
REACH = "10 ms"
SDK = "ClaudeSDKClient alone"


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure in turn with the SDK alone, with the same model, tools and settings."""
    rounds, turns = (1, 2) if short else (6, 20)
    found = [_Side(), _Side()]
    path = os.environ.get("PATH", os.defpath)
    ours = await shelter.settle(fence.ladder(path), path=path, sandbox_required=True)
    settings = json.dumps(command.settings(sandbox=ours.sandbox, shell=ours.with_shell))
    async with started("benchmarks.model_server") as model:
        url = model.first_line
        async with core(folder, connector="claude_code", upstream=url) as daemon:
            for _ in range(rounds):
                await _round(daemon, Sdk(folder / f"sdk-{uuid7()}", url, settings), turns, *found)
    mine, alone = found
    added = [here - there for here, there in zip(mine.warm, alone.warm, strict=True)]
    return [
        compare("a warm turn", "ms", mine.warm, SDK, alone.warm),
        compare("added to a warm turn", "ms", added, SDK, alone.warm, REACH),
        compare("first token of a new session", "ms", mine.new, SDK, alone.new),
        compare("first token of a session prepared by a connect", "ms", mine.prepared, SDK, alone.prepared),
        compare("first token of a resumed session", "ms", mine.resumed, SDK, alone.resumed),
    ]


@dataclass(frozen=True, slots=True)
class _Side:
    """The measurements of one side, in milliseconds.

    Attributes:
        warm: durations of turns.
        new: from the start of a new session to the first token.
        prepared: from the prompt in a connected session to the first token.
        resumed: from the start of a resumed session to the first token.
    """

    warm: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)
    prepared: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)


async def _round(daemon: Core, sdk: Sdk, turns: int, ours: _Side, alone: _Side) -> None:
    """Open a session on each side, use both in turn, then close and resume both."""
    began = time.perf_counter()
    session_id = await _connect(daemon)
    connecting = (time.perf_counter() - began) * 1e3
    ours.new.append(await _first_token(daemon, session_id, began))
    ours.prepared.append(ours.new[-1] - connecting)
    theirs = str(uuid.uuid4())
    began = time.perf_counter()
    async with sdk.client(session_id=theirs) as client:
        connecting = (time.perf_counter() - began) * 1e3
        alone.new.append(await sdk.first_token(client, began))
        alone.prepared.append(alone.new[-1] - connecting)
        for number in range(turns):
            # The first turn of a pair affects the second one, so the sides take the first place in turn.
            if number % 2:
                ours.warm.append(await _turn(daemon, session_id))
            alone.warm.append(await sdk.turn(client))
            if not number % 2:
                ours.warm.append(await _turn(daemon, session_id))
    await daemon.sessions.close(session_id, EndReason.IDLE)
    ours.resumed.append(await _first_token(daemon, session_id, time.perf_counter()))
    await daemon.sessions.close(session_id, EndReason.USER)
    began = time.perf_counter()
    async with sdk.client(resume=theirs) as client:
        alone.resumed.append(await sdk.first_token(client, began))


async def _connect(daemon: Core) -> SessionId:
    session_id = SessionId(f"claude-{uuid7()}")
    await daemon.operations.sessions.connect(daemon.caller, session_id, daemon.project_path, USER)
    return session_id


async def _turn(daemon: Core, session_id: SessionId) -> float:
    began = time.perf_counter()
    taken = await daemon.operations.messages.send(
        WorkRequest(caller=daemon.caller, channel="socket"), session_id, PROMPT, None
    )
    await daemon.operations.messages.answer(taken)
    return (time.perf_counter() - began) * 1e3


async def _first_token(daemon: Core, session_id: SessionId, began: float) -> float:
    """Send a prompt, wait for the end of its turn, and return the milliseconds from `began` to the first text."""
    first = asyncio.get_running_loop().create_future()
    with _listening(daemon, session_id, first):
        await _turn(daemon, session_id)
    at: float = first.result()
    return (at - began) * 1e3


class _listening:
    """Subscribes to a session and sets the future to the time of the first text."""

    def __init__(self, daemon: Core, session_id: SessionId, first: asyncio.Future[float]) -> None:
        self._hub = daemon.hub
        self._topic = f"session:{session_id}"
        self._first = first
        self._deliver: Callable[[AnyEvent], None] = self._take

    def __enter__(self) -> None:
        self._hub.subscribe(self._topic, self._deliver)

    def __exit__(self, *exc_info: object) -> None:
        self._hub.unsubscribe(self._topic, self._deliver)

    def _take(self, event: AnyEvent) -> None:
        if isinstance(event, ClaudeCodeDelta) and not self._first.done():
            self._first.set_result(time.perf_counter())


class Sdk:
    """`ClaudeSDKClient` alone, with the same CLI and the same tools.

    Args:
        settings: the settings of Claude Code as JSON; None = its defaults, without a sandbox.
    """

    def __init__(self, folder: Path, url: str, settings: str | None = None) -> None:
        self._settings = settings
        self._project = folder / "project"
        self._project.mkdir(parents=True)
        self._environment = {
            **environment(),
            **command.QUIET,
            **command.BEHAVIOUR,
            "HOME": str(folder),
            "CLAUDE_CONFIG_DIR": str(folder / "config"),
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "benchmark",
        }

    @asynccontextmanager
    async def client(self, **session: str) -> AsyncIterator[ClaudeSDKClient]:
        """Start the CLI, and end it when the context ends."""
        options: dict[str, Any] = {
            "cwd": self._project,
            "env": self._environment,
            "tools": list(command.tools(shell=True)),
            "setting_sources": [],
            "include_partial_messages": True,
            "settings": self._settings,
            **session,
        }
        async with ClaudeSDKClient(ClaudeAgentOptions(**options)) as client:
            yield client

    async def turn(self, client: ClaudeSDKClient) -> float:
        """Return the duration of one turn, in milliseconds."""
        began = time.perf_counter()
        await client.query(PROMPT)
        async for message in client.receive_response():
            if isinstance(message, ResultMessage) and message.is_error:
                raise RuntimeError(f"the SDK's turn failed: {message.result}")
        return (time.perf_counter() - began) * 1e3

    async def first_token(self, client: ClaudeSDKClient, began: float) -> float:
        """Run a turn to its end; return the milliseconds from `began` to its first text."""
        first = 0.0
        await client.query(PROMPT)
        async for message in client.receive_response():
            if not first and isinstance(message, StreamEvent) and _is_text(message.event):
                first = time.perf_counter()
        return (first - began) * 1e3


def _is_text(event: dict[str, Any]) -> bool:
    delta = event.get("delta") if event.get("type") == "content_block_delta" else None
    return isinstance(delta, dict) and delta.get("type") == "text_delta"
