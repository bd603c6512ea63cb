"""Errors of PostgreSQL, each with the remedy of its cause."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from supervisor.protocol.errors import Overloaded, StorageError
from supervisor.protocol.text.refusals import AGAIN
from supervisor.store.postgres.errors import ACCESS, AWAY, FULL, READ_ONLY, storage_error


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errors.DiskFull("no space left"), FULL),
        (errors.ReadOnlySqlTransaction("read only"), READ_ONLY),
        (errors.InvalidPassword("password authentication failed"), ACCESS),
        (psycopg.OperationalError("connection refused\nIs the server running?"), AWAY),
    ],
)
def test_an_error_says_what_to_do(error: psycopg.Error, remedy: str) -> None:
    failure = storage_error(error)
    assert isinstance(failure, StorageError)
    assert failure.remedy == f"{remedy}; {AGAIN}"
    assert "\n" not in str(failure)
    assert failure.__cause__ is error


def test_other_errors_stay() -> None:
    for error in (Overloaded(), ValueError("x")):
        assert storage_error(error) is error
    assert str(storage_error(psycopg.OperationalError())) == "Storage failed: PostgreSQL does not answer"
