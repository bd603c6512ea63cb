"""Clients of the chat and of a bare web socket, in a process of their own; each line on stdin is one order.

Orders and what is printed for them, one JSON object a line:

- `{"open": URL, "count": N}`: open so many more sockets and keep them.
- `{"answer": TEXT, "count": N}`: so many of them ask at once; milliseconds to the first tokens, number of all tokens.
- `{"interrupt": TEXT, "count": N}`: one socket asks, and interrupts at the first token; milliseconds to `interrupted`.
- `{"listen": URL, "count": N, "frames": M}`: open so many sockets and read so many frames from each.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

AT_ONCE = 50
"""How many sockets are opened at the same time."""

TOKEN = '"type":"token"'
END = '"type":"complete"'


class Clients:
    """The open sockets."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._sockets: list[ClientConnection] = []

    async def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order."""
        count = order["count"]
        if "open" in order:
            await self._open(order["open"], count)
            return {"open": len(self._sockets)}
        if "answer" in order:
            asked = [self._ask(socket, order["answer"]) for socket in self._sockets[:count]]
            found = await asyncio.gather(*asked)
            return {"first": [first for first, _ in found], "tokens": sum(tokens for _, tokens in found)}
        if "interrupt" in order:
            return {"took": [await self._interrupt(self._sockets[0], order["interrupt"]) for _ in range(count)]}
        await asyncio.gather(*(self._listen(order["listen"], order["frames"]) for _ in range(count)))
        return {}

    async def _open(self, url: str, count: int) -> None:
        for begun in range(0, count, AT_ONCE):
            some = [self._connected(url) for _ in range(min(AT_ONCE, count - begun))]
            self._sockets += await asyncio.gather(*some)

    async def _connected(self, url: str) -> ClientConnection:
        socket = await self._stack.enter_async_context(
            connect(url, compression=None, ping_interval=None, close_timeout=1, open_timeout=60, proxy=None)
        )
        greeting = str(await socket.recv())
        if '"connected"' not in greeting:
            raise RuntimeError(f"not a chat: {greeting}")
        return socket

    async def _ask(self, socket: ClientConnection, text: str) -> tuple[float, int]:
        began, first, tokens = time.perf_counter(), 0.0, 0
        await socket.send(json.dumps({"type": "user_message", "content": text}))
        while END not in (frame := str(await socket.recv())):
            if TOKEN in frame:
                first = first or (time.perf_counter() - began) * 1000
                tokens += 1
            elif '"error"' in frame:
                raise RuntimeError(frame)
        return first, tokens

    async def _interrupt(self, socket: ClientConnection, text: str) -> float:
        await socket.send(json.dumps({"type": "user_message", "content": text}))
        while TOKEN not in str(await socket.recv()):
            pass
        began = time.perf_counter()
        await socket.send('{"type":"interrupt"}')
        while '"type":"interrupted"' not in str(await socket.recv()):
            pass
        return (time.perf_counter() - began) * 1000

    async def _listen(self, url: str, frames: int) -> None:
        async with connect(url, compression=None, ping_interval=None, close_timeout=1, open_timeout=60) as socket:
            for _ in range(frames):
                await socket.recv()


async def main() -> None:
    """Say that we are ready, and carry out orders until stdin ends."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    async with AsyncExitStack() as stack:
        clients = Clients(stack)
        while line := await reader.readline():
            print(json.dumps(await clients.carry_out(json.loads(line))), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
