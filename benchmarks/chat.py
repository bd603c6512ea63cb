"""The chat: time to the first token, time of an interrupt, and CPU per token while many sockets are open."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.bare import bare_table
from benchmarks.core import USER, Core, core
from benchmarks.figures import Figure, compare
from benchmarks.process import environment, started
from supervisor import config
from supervisor.wires.chat.frames import Token
from supervisor.wires.chat.rooms.log import numbered
from supervisor.wires.http_server import HttpServer

OPEN = 500
FEW_OPEN = 20
RATE = 20
"""Tokens a second of each answer."""

SOME, MANY = 10, 50
"""Sockets of those that answer at the same time."""

MODEL = "claude-haiku-4-5"
WORD = "word "


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure first tokens, interrupts, and the CPU per token; the model and the clients are other processes."""
    opened, rounds, tokens = (FEW_OPEN, 2, 10) if short else (OPEN, 60, 100)
    some, many = (2, 4) if short else (SOME, MANY)
    async with (
        started("benchmarks.model_server") as model,
        core(folder, upstream=model.first_line) as daemon,
        _served(daemon) as url,
        _clients() as clients,
        anthropic.AsyncAnthropic(base_url=model.first_line, api_key="benchmark", max_retries=0) as direct,
    ):
        await clients.order(open=url, count=opened)
        firsts = await _first_tokens(folder, clients, direct, rounds)
        stopped = (await clients.order(interrupt=_script(200, 0.05), count=rounds))["took"]
        each = [await _per_token(clients, direct, count, tokens) for count in (some, many)]
    with bare_table(folder) as table:
        commit = sum(table.commit_seconds()) * 1000 / 50
    (few, few_base), (much, much_base) = each
    bare = "raw stream and bare send of the same round"
    busy = f"of {opened} open sockets"
    return [
        *firsts,
        compare(
            "interrupt while streaming, answered",
            "ms",
            stopped,
            "one bare commit",
            [commit],
            "200 ms",
        ),
        compare(f"CPU per token, {some} {busy}", "us", [few], bare, [few_base]),
        compare(f"CPU per token, {many} {busy}", "us", [much], bare, [much_base]),
        compare(f"CPU per token, {many} against {some} {busy}", "us", [much], f"{some} of them", [few]),
    ]


async def _first_tokens(folder: Path, clients: _Clients, direct: anthropic.AsyncAnthropic, rounds: int) -> list[Figure]:
    """Ask the chat and the model itself in turn; two commits of a bare table stand beside them."""
    ours: list[float] = []
    theirs: list[float] = []
    content = _script(3, 0.0)
    with bare_table(folder) as table:
        for number in range(rounds + 2):
            (mine,) = (await clients.order(answer=content, count=1))["first"]
            began = time.perf_counter()
            first, _ = await _raw(direct, content)
            two = sum(table.commit_seconds(times=2))
            if number >= 2:  # the first rounds open connections
                ours.append(mine)
                theirs.append((first - began + two) * 1000)
    added = [mine - bare for mine, bare in zip(ours, theirs, strict=True)]
    base = "raw stream and two bare commits"
    return [
        compare("first token to a chat client", "ms", ours, base, theirs),
        compare("added to the first token", "ms", added, base, theirs, "5 ms"),
    ]


async def _per_token(
    clients: _Clients, direct: anthropic.AsyncAnthropic, count: int, tokens: int
) -> tuple[float, float]:
    """Return the CPU time of a token in microseconds: ours, and that of the raw stream with a bare send."""
    content = _script(tokens, 1 / RATE)
    used = time.process_time()
    told = await clients.order(answer=content, count=count)
    ours = (time.process_time() - used) / told["tokens"]
    used = time.process_time()
    streams = await asyncio.gather(*(_raw(direct, content) for _ in range(count)))
    raw = (time.process_time() - used) / sum(number for _, number in streams)
    return ours * 1e6, (raw + await _bare_send(clients, count, tokens)) * 1e6


async def _bare_send(clients: _Clients, count: int, tokens: int) -> float:
    """Return the CPU seconds of sending one frame by `websockets` alone, at the same rate."""
    frame = numbered(Token(content=WORD), 1 << 32).data
    everybody: list[ServerConnection] = []
    complete, done = asyncio.Event(), asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        everybody.append(socket)
        if len(everybody) == count:
            complete.set()
        await done.wait()

    async with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        listening = asyncio.create_task(clients.order(listen=f"ws://127.0.0.1:{port}", count=count, frames=tokens))
        await complete.wait()
        used = time.process_time()
        for _ in range(tokens):
            for socket in everybody:
                await socket.send(frame, text=True)
            await asyncio.sleep(1 / RATE)
        cpu = (time.process_time() - used) / (tokens * count)
        await listening
        done.set()
    return cpu


async def _raw(direct: anthropic.AsyncAnthropic, content: str) -> tuple[float, int]:
    """Read an answer of the model to its end; return when its first text came, and the number of texts."""
    first, number = 0.0, 0
    async with await direct.messages.create(
        model=MODEL, max_tokens=1024, messages=[{"role": "user", "content": content}], stream=True
    ) as stream:
        async for event in stream:
            if event.type == "content_block_delta":
                first = first or time.perf_counter()
                number += 1
    return first, number


def _script(words: int, seconds: float) -> str:
    """Return a message that the model answers by so many words, so many seconds apart."""
    return "@@" + json.dumps({"steps": [{"text": WORD * words, "token_delay": seconds}]})


@asynccontextmanager
async def _served(daemon: Core) -> AsyncIterator[str]:
    """Serve the chat; yield its URL with a token."""
    server = HttpServer(config.Http(port=0), daemon.api, parts=dict)
    await server.start()
    try:
        token, _ = daemon.api.directory.issue_jwt(USER, minutes=60)
        yield f"{server.url.replace('http', 'ws', 1)}/api/claude-chat/ws?token={token}"
    finally:
        await server.aclose()


class _Clients:
    """The process of the clients, see `chat_clients`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def order(self, **order: Any) -> dict[str, Any]:
        """Give an order, and return what is told when it is carried out."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the clients have ended")
        told: dict[str, Any] = json.loads(line)
        return told


@asynccontextmanager
async def _clients() -> AsyncIterator[_Clients]:
    """Start the process of the clients, and end it with the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.chat_clients",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
        cwd=Path(__file__).parent.parent,
        limit=2**24,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not await process.stdout.readline():
            raise RuntimeError("the clients did not start")
        yield _Clients(process)
    finally:
        process.stdin.close()
        await process.wait()
