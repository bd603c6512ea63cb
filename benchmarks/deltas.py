"""A delta to who watches at another node against one to who watches at the node of the session."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection

from benchmarks.capacity import ALICE, ask
from benchmarks.figures import Figure, compare, percentile
from tests.cluster.cluster import Cluster
from tests.connectors.remote.server import RemoteServer, answer_to
from tests.postgres_server import PostgresServer
from tests.waiting import until

OWNER, OTHER = "a", "b"
SESSION = "watched"
SIZE = 1_000
"""Bytes of a delta, about: it begins with the time at which it was sent, and the number of its prompt."""


class Prompts:
    """Prompts of the session, each with a number, which the delta of its answer repeats."""

    def __init__(self, asking: ClientConnection) -> None:
        self._asking = asking
        self._number = 0

    async def next(self) -> str:
        """Send a prompt, and return its number once it is answered."""
        self._number += 1
        number = str(self._number)
        await ask(self._asking, "claude_code_response", type="claude_code_message", session_id=SESSION, message=number)
        return number

    async def delta(self, watching: ClientConnection) -> float:
        """Return how long the delta of a prompt takes to who watches, in milliseconds."""
        answered = asyncio.create_task(self.next(), name="prompt")
        wanted = str(self._number + 1)
        number, took = "", 0.0
        while number != wanted:
            number, took = await _seen(watching)
        await answered
        return took


async def measure(server: PostgresServer, folder: Path, short: bool) -> list[Figure]:
    """Time deltas from the moment when what answers sends them, in rounds at each node in turn."""
    deltas, rounds = (10, 2) if short else (200, 5)
    async with (
        RemoteServer(_answer) as remote,
        Cluster(
            folder,
            server,
            [OWNER, OTHER],
            connector="remote",
            lease=10.0,
            claude_code=f'websocket_url = "ws://127.0.0.1:{remote.port}"',
            direct=True,
        ) as cluster,
    ):
        await cluster[OWNER].start()
        await cluster.add_people(OWNER)
        await cluster[OTHER].start()
        await until(lambda: _are_linked(cluster), "they are linked", 30.0, 0.1)
        async with cluster.socket(OWNER) as asking:
            where = {"project_path": str(cluster.project()), "user_id": ALICE}
            await ask(asking, "claude_code_connected", type="claude_code_connect", session_id=SESSION, **where)
            prompts = Prompts(asking)
            here: list[list[float]] = []
            there: list[list[float]] = []
            for _ in range(rounds):
                for at, took in ((OWNER, here), (OTHER, there)):
                    async with _watching(cluster, at, prompts) as watching:
                        took.append([await prompts.delta(watching) for _ in range(deltas)])
    return [
        compare(
            f"a delta to another node: p{percent}",
            "ms",
            [percentile(round_, percent) for round_ in there],
            "to the node of the session",
            [percentile(round_, percent) for round_ in here],
            reach,
        )
        for percent, reach in ((50, "3 times"), (99, ""))
    ]


async def _answer(connection: ServerConnection, prompt: dict[str, Any]) -> None:
    content = f"{time.perf_counter()} {prompt['content']} {'x' * SIZE}"
    await connection.send(answer_to(prompt, content=content, cost_usd=0))


async def _are_linked(cluster: Cluster) -> bool:
    nodes = (await cluster.operator(OTHER, "GET", "/api/admin/nodes")).json()["nodes"]
    return {node["link"] for node in nodes} == {"linked", "this node"}


@asynccontextmanager
async def _watching(cluster: Cluster, at: str, prompts: Prompts) -> AsyncIterator[ClientConnection]:
    """Watch the session at a node; yield the connection once deltas come."""
    async with cluster.socket(at) as wire:
        await ask(wire, "subscribed", type="subscribe", topics=[f"session:{SESSION}"])
        seen = asyncio.create_task(_seen(wire), name="first delta")
        while not seen.done():  # the other node is told of the wish after it is answered
            await prompts.next()
            await asyncio.wait([seen], timeout=0.2)
        yield wire


async def _seen(wire: ClientConnection) -> tuple[str, float]:
    """Return the number of the next delta, and how long it was under way, in milliseconds."""
    while True:
        message = await wire.recv()
        now = time.perf_counter()
        event = json.loads(message)
        if event["type"] == "claude_code_delta":
            sent, number, _ = event["text"].split()
            return number, (now - float(sent)) * 1000
