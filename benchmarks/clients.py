"""Clients of the supervisor socket and of the bare echo server. Each waits for an answer before it sends again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.bare import TEXT
from benchmarks.core import USER
from benchmarks.process import Watched
from supervisor.protocol.ids import uuid7

ANSWER = '"type":"claude_code_response"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A connection and the frame that it sends repeatedly.

    Attributes:
        expected: text that each answer contains; another answer fails the benchmark.
    """

    connection: ClientConnection
    frame: str
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The results of one round of a benchmark.

    Attributes:
        seconds: the duration of each round trip.
        per_second: round trips per second.
        cpu: CPU time of the server per round trip, in seconds.
    """

    seconds: Sequence[float]
    per_second: float
    cpu: float


@asynccontextmanager
async def echo_clients(url: str, count: int) -> AsyncIterator[list[Client]]:
    """Connect clients of the bare echo server. They send the same frames as clients of the daemon."""
    frame = _prompt("bench-00000000-0000-7000-8000-000000000000")
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(_connect(url)) for _ in range(count)]
        yield [Client(connection=connection, frame=frame, expected=TEXT) for connection in opened]


@asynccontextmanager
async def session_clients(url: str, token: str, project_path: str, count: int) -> AsyncIterator[list[Client]]:
    """Connect clients of the daemon, each with its own session."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            connection = await stack.enter_async_context(_connect(url))
            await authenticate(connection, token)
            session_id = f"bench-{uuid7()}"
            asked = {
                "type": "claude_code_connect",
                "session_id": session_id,
                "project_path": project_path,
                "user_id": USER,
            }
            await ask(connection, asked, "claude_code_connected")
            clients.append(Client(connection=connection, frame=_prompt(session_id), expected=TEXT))
        yield clients


async def drive(clients: Sequence[Client], server: Watched, seconds: float) -> Round:
    """Let all clients send and receive for that many seconds."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def exchange(client: Client) -> None:
        send, recv, frame = client.connection.send, client.connection.recv, client.frame
        while (began := time.perf_counter()) < until:
            await send(frame)
            answer = await recv()
            took.append(time.perf_counter() - began)
            if not isinstance(answer, str) or client.expected not in answer:
                raise RuntimeError(f"not an answer: {answer!r}")

    used, began = server.cpu_seconds(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(exchange(client))
    elapsed = time.perf_counter() - began
    return Round(seconds=took, per_second=len(took) / elapsed, cpu=(server.cpu_seconds() - used) / len(took))


async def authenticate(connection: ClientConnection, token: str) -> None:
    """Authenticate the connection."""
    answer = await ask(connection, {"type": "auth", "token": token}, "auth_result")
    if not answer["success"]:
        raise RuntimeError("the daemon refused the token")


async def ask(connection: ClientConnection, message: dict[str, str], answered_by: str) -> dict[str, object]:
    """Send a message and return its answer.

    Raises:
        RuntimeError: the answer has another type.
    """
    await connection.send(json.dumps(message))
    answer: dict[str, object] = json.loads(await connection.recv())
    if answer.get("type") != answered_by:
        raise RuntimeError(f"{answered_by} expected, not {answer}")
    return answer


def _connect(url: str) -> connect:
    return connect(url, compression=None, ping_interval=None, close_timeout=1, open_timeout=60)


def _prompt(session_id: str) -> str:
    return json.dumps({"type": "claude_code_message", "session_id": session_id, "message": TEXT})
