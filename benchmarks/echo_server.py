"""The baseline of the wires: a bare `websockets` echo server on uvloop, which does not parse the frames."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def echo(connection: ServerConnection) -> None:
    """Send each frame back."""
    with contextlib.suppress(ConnectionClosed):
        async for frame in connection:
            await connection.send(frame)


async def main() -> None:
    """Listen on a free port, print the URL, and serve until SIGTERM."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve(
        echo, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=1, backlog=4096
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"ws://127.0.0.1:{port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(main())
