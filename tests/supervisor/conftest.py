"""A PostgreSQL server for the tests of this folder, and a database for each test that asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from tests.postgres_server import PostgresServer, started_server
from tests.supervisor.store.builders import seal

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server with a database of this version, or a skipped test and the reason."""
    with started_server() as server:
        asyncio.run(_migrated(server.create(TEMPLATE)))
        yield server


async def _migrated(url: str) -> None:
    store = await open_postgres(Address(url), seal=seal)
    await store.close()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    """The URL of a database of this test alone."""
    with server.lent("one", TEMPLATE) as url:
        yield url


@pytest.fixture
def empty_url(server: PostgresServer) -> Iterator[str]:
    """The URL of a database without a table."""
    with server.lent("bare") as url:
        yield url
