"""Each failure of SQLite and of the disk names its cause and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.protocol.text.refusals import AGAIN
from supervisor.store.sqlite.errors import BUSY, DAMAGED, DISK, FULL, READ_ONLY, remedy_of, storage_error


def failure(work: str, path: Path, *, mode: str = "rwc") -> sqlite3.Error:
    """Return the error that SQLite itself raises."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=0)) as connection:
        try:
            connection.executescript(work)
        except sqlite3.Error as error:
            return error
    raise AssertionError("nothing failed")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, FULL),
        (errno.EDQUOT, FULL),
        (errno.EFBIG, FULL),
        (errno.EROFS, READ_ONLY),
        (errno.EACCES, READ_ONLY),
        (errno.EIO, DISK),
        (errno.ECONNREFUSED, ""),
    ],
)
def test_an_error_of_the_system_has_the_remedy_of_its_cause(number: int, remedy: str) -> None:
    assert remedy_of(OSError(number, os.strerror(number))) == remedy


def test_an_error_of_sqlite_has_the_remedy_of_its_cause(tmp_path: Path) -> None:
    path, garbage = tmp_path / "x.db", tmp_path / "garbage.db"
    garbage.write_bytes(b"no database" * 1_000)
    small = "PRAGMA max_page_count = 1; CREATE TABLE a (x); CREATE TABLE b (x);"
    assert remedy_of(failure(small, path)) == FULL
    assert remedy_of(failure("SELECT * FROM sqlite_schema", garbage)) == DAMAGED
    path.touch()
    assert remedy_of(failure("CREATE TABLE c (x)", path, mode="ro")) == READ_ONLY
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert remedy_of(failure("CREATE TABLE d (x)", path)) == BUSY
    assert remedy_of(failure("no SQL", path)) == ""


def test_a_lock_alone_passes_by_itself(tmp_path: Path) -> None:
    path, garbage = tmp_path / "x.db", tmp_path / "garbage.db"
    garbage.write_bytes(b"no database" * 1_000)
    for error in (
        failure("PRAGMA max_page_count = 1; CREATE TABLE a (x); CREATE TABLE b (x);", path),
        failure("SELECT * FROM sqlite_schema", garbage),
        failure("no SQL", path),
        OSError(errno.ENOSPC, "No space left on device"),
    ):
        assert lasts(error), error
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert not lasts(failure("CREATE TABLE d (x)", path))


def lasts(error: Exception) -> bool:
    """Return whether the refusal that an error becomes lasts."""
    refusal = storage_error(error)
    assert isinstance(refusal, StorageError)
    return refusal.lasts


def test_the_path_is_named_at_the_start_and_a_sender_is_told_to_send_again() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    at_start, later = storage_error(full, Path("/state/x.db")), storage_error(full)
    assert isinstance(at_start, StorageError)
    assert (str(at_start), at_start.remedy) == ("Storage failed: /state/x.db: No space left on device", FULL)
    assert isinstance(later, StorageError)
    assert later.remedy == f"{FULL}; {AGAIN}"


def test_other_errors_stay_what_they_are() -> None:
    for error in (ConfigError("state.dir", "is bad"), ZeroDivisionError()):
        assert storage_error(error) is error
