"""Notices by NOTIFY: written in the transaction that they are about, and heard by a connection of its own."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

import psycopg

from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.notices import Hear, Notice, Topic
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.opening import CHANNEL, Address
from supervisor.store.postgres.thread import PgThread

logger = logging.getLogger(__name__)

MOST_BYTES = 7_900
"""Of one payload: PostgreSQL takes less than 8,000."""
RECONNECT_SECONDS = 1.0

_TOPICS = frozenset(topic.value for topic in Topic)
_NOTIFY = "SELECT pg_notify(?, ?)"


def notify(connection: PgConnection, epoch: int, notices: Iterable[Notice]) -> None:
    """Tell the other nodes, once the open transaction is committed."""
    for payload in packed(epoch, dict.fromkeys(notices)):
        connection.execute(_NOTIFY, (CHANNEL, payload))


def packed(epoch: int, notices: Iterable[Notice]) -> Iterator[str]:
    """Yield the payloads for some notices: the epoch that sends them, then a line for each."""
    head = payload = str(epoch)
    for topic, value in notices:
        line = f"\n{topic} {value}"
        if len((payload + line).encode()) > MOST_BYTES and payload != head:
            yield payload
            payload = head
        payload += line
    if payload != head:
        yield payload


def unpacked(payload: str, own: int) -> Iterator[Notice]:
    """Yield the notices of a payload; none where this epoch has sent it, and none that a newer version invented."""
    head, *lines = payload.split("\n")
    if head == str(own):
        return
    for line in lines:
        topic, _, value = line.partition(" ")
        if topic in _TOPICS:
            yield Notice(Topic(topic), value)


class PostgresNotices:
    """Listens to the other nodes by a connection that is opened again where it was lost.

    Args:
        epoch: of this node; what it sends itself is not heard.
    """

    def __init__(self, address: Address, epoch: int) -> None:
        self._thread = PgThread("xswarm notices", address.listener)
        self._epoch = epoch
        self._task: asyncio.Task[None] | None = None

    def listen(self, hear: Hear) -> None:
        """Call `hear` for each notice of another node; it replaces nobody: there is one listener."""
        assert self._task is None, "there is one listener"
        self._task = asyncio.create_task(self._listen(hear), name="notices of other nodes")

    async def close(self) -> None:
        """Stop to listen. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._thread.close()

    async def _listen(self, hear: Hear) -> None:
        is_lost = False
        while True:
            try:
                connection = await self._thread.run(PgThread.connection)
                if is_lost:
                    logger.info("other nodes are heard again")
                is_lost = False
                hear(None)
                await self._hear(connection, hear)
            except (psycopg.Error, OSError, StorageError) as error:
                if not is_lost:
                    logger.warning("other nodes are not heard until PostgreSQL answers again: %s", error)
                is_lost = True
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear(self, connection: PgConnection, hear: Hear) -> None:
        """Pass on what a connection brings, until it is lost.

        Raises:
            psycopg.Error: it is.
        """
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[None] = loop.create_future()

        def read() -> None:
            try:
                payloads = connection.heard()
            except psycopg.Error as error:
                if not lost.done():
                    lost.set_exception(error)
                return
            for payload in payloads:
                for notice in unpacked(payload, self._epoch):
                    hear(notice)

        # A descriptor of our own: libpq closes its own as soon as the connection fails, and its number may belong to
        # another socket of the loop before this one is told.
        number = os.dup(connection.fileno())
        loop.add_reader(number, read)
        try:
            read()  # what came with the answer to LISTEN
            await lost
        finally:
            loop.remove_reader(number)
            os.close(number)
            connection.close()
