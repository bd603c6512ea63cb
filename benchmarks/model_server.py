"""The offline model in a subprocess, so that its CPU time is not part of the measurements."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from supervisor.models.offline.model import OfflineModel


async def main() -> None:
    """Listen on a free port, print the URL, and serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with OfflineModel() as model:
        print(model.url, flush=True)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(main())
