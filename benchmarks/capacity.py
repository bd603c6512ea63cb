"""Turns a second of three nodes against those of one; each turn waits a second for the offline model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection

from benchmarks.figures import Figure, compare
from tests.cluster.cluster import Cluster
from tests.postgres_server import PostgresServer

NODES = ("a", "b", "c")
PROCESSES = 4
"""Of Claude Code on each node, each in a project of its own: what a node can do at one time."""

MODEL_SECONDS = 1.0
ALICE = "alice"


@dataclass(frozen=True, slots=True)
class Session:
    """A session of Claude Code in a project of its own, on the connection of the node that runs it."""

    wire: ClientConnection
    id: str

    async def turn(self, seconds: float) -> None:
        """Run a turn for which the model takes some seconds."""
        script = "@@" + json.dumps({"steps": [{"text": "done", "delay": seconds}]})
        await ask(self.wire, "claude_code_response", type="claude_code_message", session_id=self.id, message=script)


async def measure(server: PostgresServer, folder: Path, short: bool) -> list[Figure]:
    """Measure one node, and all three, in turns, while all three run."""
    processes, turns, rounds = (1, 2, 1) if short else (PROCESSES, 10, 3)
    places = {name: [f"{name}-{number}" for number in range(processes)] for name in NODES}
    async with (
        Cluster(
            folder,
            server,
            NODES,
            connector="claude_code",
            lease=10.0,
            projects={project: "everywhere = true" for projects in places.values() for project in projects},
            claude_code=f'sandbox = "off"\nmax_processes = {processes}',
            direct=True,
        ) as cluster,
        AsyncExitStack() as stack,
    ):
        sessions: dict[str, list[Session]] = {}
        for name in NODES:
            await cluster[name].start()
            if not sessions:
                await cluster.add_people(name)
            sessions[name] = [await _opened(cluster, name, project, stack) for project in places[name]]
        everything = [session for several in sessions.values() for session in several]
        one, three = [], []
        for _ in range(rounds):
            one.append(await _rate(sessions[NODES[0]], turns))
            three.append(await _rate(everything, turns))
    name = f"turns a second of three nodes, {processes} processes each, the model takes 1 s"
    return [compare(name, "/s", three, "one of these nodes", one, "2.0 times")]


async def _opened(cluster: Cluster, name: str, project: str, stack: AsyncExitStack) -> Session:
    """Open a session at a node, and run a first turn in it: the node owns the project then, and its process runs."""
    wire = await stack.enter_async_context(cluster.socket(name))
    where = {"project_path": str(cluster.project(project)), "user_id": ALICE}
    await ask(wire, "claude_code_connected", type="claude_code_connect", session_id=project, **where)
    session = Session(wire, project)
    await session.turn(0.0)
    return session


async def _rate(sessions: Sequence[Session], turns: int) -> float:
    """Return the turns a second of sessions that run so many each, one after the other."""

    async def run(session: Session) -> None:
        for _ in range(turns):
            await session.turn(MODEL_SECONDS)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(run(session))
    return len(sessions) * turns / (time.perf_counter() - began)


async def ask(wire: ClientConnection, answered_by: str, **message: Any) -> dict[str, Any]:
    """Send a request to a node and return its answer; events that come meanwhile are dropped.

    Raises:
        RuntimeError: the answer has another type.
    """
    await wire.send(json.dumps(message | {"request_id": "1"}))
    answer: dict[str, Any] = {}
    while answer.get("request_id") != "1":
        answer = json.loads(await wire.recv())
    if answer["type"] != answered_by:
        raise RuntimeError(f"{answered_by} expected, not {answer}")
    return answer
