"""A PostgreSQL server for the tests of this folder, and an empty database for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres_server import PostgresServer, started_server


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server, or a skipped test and the reason."""
    with started_server() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    """The URL of a database without a table."""
    with server.lent("world") as url:
        yield url
