"""Writes to a store until it is killed: `python -m tests.supervisor.store.crashing PLACE [CRASH_POINT]`.

PLACE is a file, or the URL of a PostgreSQL database.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from supervisor.protocol.messages import MessageId, OutboxId
from supervisor.store import SqliteStore, open_store
from supervisor.store.postgres.store import Address, PostgresStore, open_postgres
from tests.supervisor.store.builders import (
    NOW,
    PROCESS,
    charge,
    draft,
    outcome,
    prompt,
    seal,
    with_session,
)


async def opened(place: str, crash: Callable[[str], None] | None = None) -> SqliteStore | PostgresStore:
    """Open the store, in PostgreSQL where the place is a URL."""
    if place.startswith("postgresql:"):
        return await open_postgres(Address(place), seal=seal, crash=crash)
    return await open_store(Path(place), seal=seal, crash=crash)


async def traffic(place: str) -> None:
    """Accept, start and finish in several lanes for ever; print the id of what was acknowledged."""
    store = await opened(place)

    async def lane(number: int) -> None:
        session = f"s{store.epoch}.{number}"
        await with_session(store, session)
        while True:
            accepted = await store.turns.accept(prompt(session))
            os.write(1, f"accepted {accepted.message_id}\n".encode())
            turn = await store.turns.start_next(session, PROCESS, now_ms=NOW)
            assert turn is not None
            await store.ledger.journal(turn.id, charge(f"call {turn.id}", 3))
            await store.turns.finish(turn.id, outcome(charges=[charge(f"last {turn.id}", 4)]))
            os.write(1, f"finished {turn.message_id}\n".encode())

    await asyncio.gather(*(lane(number) for number in range(5)))


async def until_point(place: str, point: str) -> None:
    """Take one message from acceptance to its sent reply, and die at a crash point."""

    def crash(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    store = await opened(place, crash)
    await with_session(store)
    message_id = MessageId("m1")
    await store.turns.accept(prompt(message_id=message_id, dedup_key="SM1"))
    turn = await store.turns.start_next("s1", PROCESS, now_ms=NOW)
    assert turn is not None
    await store.turns.finish(turn.id, outcome(charges=[charge("c1", 7)], replies=[draft("o1", text=None)]))
    await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
    await store.outbox.sent(OutboxId("o1"), "SM2", "", [charge("o1/1", 70)], now_ms=NOW)
    await store.close()


def main() -> None:
    """Run what the arguments name: a place, and a crash point or none."""
    place = sys.argv[1]
    asyncio.run(until_point(place, sys.argv[2]) if len(sys.argv) > 2 else traffic(place))


if __name__ == "__main__":
    main()
