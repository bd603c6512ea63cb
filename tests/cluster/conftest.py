"""One PostgreSQL server for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres_server import PostgresServer, started_server


@pytest.fixture(scope="package")
def server() -> Iterator[PostgresServer]:
    with started_server() as server:
        yield server
