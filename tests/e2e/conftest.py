"""A PostgreSQL server for the tests of this folder, and an empty database for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
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
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE world ENCODING 'UTF8' TEMPLATE template0")
    yield server.url("world")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE world WITH (FORCE)")
