"""Errors of PostgreSQL, each with the remedy of its cause."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from supervisor.protocol.errors import Overloaded, StorageError
from supervisor.protocol.text.refusals import AGAIN, cause
from supervisor.store.postgres.errors import ACCESS, AWAY, CROWDED, FULL, READ_ONLY, storage_error


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errors.DiskFull("no space left"), FULL),
        (errors.ReadOnlySqlTransaction("read only"), READ_ONLY),
        (errors.InvalidPassword("password authentication failed"), ACCESS),
        (psycopg.OperationalError("connection refused\nIs the server running?"), AWAY),
        (psycopg.OperationalError("FATAL:  could not write file: No space left on device"), FULL),
        (psycopg.OperationalError("FATAL:  sorry, too many clients already"), CROWDED),
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


def test_a_full_disk_is_told_as_one_and_lasts_until_a_person_acts() -> None:
    error = errors.DiskFull('could not extend file "base/1/2": No space left on device\nHINT:  Check free disk space.')
    failure = storage_error(error)
    assert isinstance(failure, StorageError)
    assert failure.lasts
    assert cause(failure) == (
        'the disk of the PostgreSQL server is full: could not extend file "base/1/2": No space left on device; '
        "free disk space where PostgreSQL keeps its data"
    )
