"""Stops itself in the middle of a transaction: `python -m tests.supervisor.store.postgres.stopping URL POINT`.

It takes a message from acceptance to its end, and is stopped by SIGSTOP at a crash point of the store. When it goes on,
it prints what becomes of that write and of the next one: the name of the error, or "stored".
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable

from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import MessageId
from supervisor.store.ports.cluster.nodes import NewNode
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import PostgresStore, open_postgres
from tests.supervisor.store.builders import NOW, PROCESS, charge, outcome, question, seal

NODE = NewNode(name="stopping", seat="another machine", lease_seconds=600.0)


async def work(url: str, point: str) -> str:
    """Do the work; return how it ended."""

    def stop(name: str) -> None:
        if name == point:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # else this thread may go on for a moment

    store = await open_postgres(Address(url, node=NODE), seal=seal, crash=stop)
    try:
        return f"{await ended(message(store))} {await ended(store.turns.accept(question()))}"
    finally:
        await store.close()


async def message(store: PostgresStore) -> None:
    """Take a message from acceptance to its end."""
    accepted = question(message_id=MessageId("m1"), dedup_key="SM1")
    await store.turns.accept(accepted)
    turn = await store.turns.start_next(accepted.lane, PROCESS, now_ms=NOW)
    assert turn is not None
    await store.turns.finish(turn.id, outcome(charges=[charge("c1", 7)]))


async def ended(write: Awaitable[object]) -> str:
    """Return how a write ends."""
    try:
        await write
    except StorageError as error:
        return type(error).__name__
    return "stored"


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(work(sys.argv[1], sys.argv[2])))
