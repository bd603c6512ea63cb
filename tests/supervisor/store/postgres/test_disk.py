"""A full disk of the server: writes are refused with the remedy, what was acknowledged stays, and it goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from supervisor.protocol.errors import StorageError
from supervisor.store.postgres.errors import FULL
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from tests.disks import fill, small_disk
from tests.postgres_server import PostgresServer
from tests.supervisor.store.builders import question, seal

pytestmark = pytest.mark.postgres


@pytest.fixture
def tight(server: PostgresServer) -> Iterator[tuple[str, Path]]:
    """A database on a disk of its own of 24 MB, and the folder of the disk."""
    folder = server.folder / "tight"
    folder.mkdir()
    owner = server.folder.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    with small_disk(folder, "24m"), psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE tight LOCATION '{folder}'".encode())
        connection.execute("CREATE DATABASE tight ENCODING 'UTF8' TEMPLATE template0 TABLESPACE tight")
        try:
            yield server.url("tight"), folder
        finally:
            connection.execute("DROP DATABASE tight WITH (FORCE)")
            connection.execute("DROP TABLESPACE tight")
    folder.rmdir()


async def test_a_full_disk_refuses_with_the_remedy_and_loses_nothing(tight: tuple[str, Path]) -> None:
    url, disk = tight
    store = await open_postgres(Address(url), seal=seal)
    accepted = 0
    try:
        filler = fill(disk)
        refused: StorageError | None = None
        while refused is None:  # there is room left in pages that are there
            try:
                await store.turns.accept(question(text=os.urandom(20_000).hex()))
                accepted += 1
            except StorageError as error:
                refused = error
        assert refused.remedy.startswith(FULL)
        assert refused.lasts, "no call of an agent waits ten minutes, to be told that the server does not answer"
        assert refused.why.startswith("the disk of the PostgreSQL server is full")
        assert not await store.works()
        assert await store.turns.pending_count() == accepted
        filler.unlink()
        assert (await store.turns.accept(question())).written
        assert await store.works()
        assert await store.turns.pending_count() == accepted + 1
        assert await store.check() == []
        assert await store.audit.verify() is None
    finally:
        await store.close()
