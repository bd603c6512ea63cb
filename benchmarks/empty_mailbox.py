"""The baseline of LMTP: aiosmtpd with a handler that keeps nothing, on uvloop."""

from __future__ import annotations

import asyncio
import signal

import uvloop
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session


class Empty:
    """Accepts every mail."""

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:
        """Answer as the daemon does."""
        return "250 2.0.0 OK"


async def main() -> None:
    """Listen on a free port, print it, and serve until SIGTERM."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: LMTP(Empty(), hostname="bench.test", loop=loop), "127.0.0.1", 0)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(main())
