"""The database file: made whole or not at all, shared by writers of several processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from examples.residency.data.database import Database, create, insert_shifts
from tests.examples.residency.small import records, stored, work
from tests.packaging.project import ROOT
from tests.slowness import scaled


def test_only_the_first_of_two_makers_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "schedule.db"
    assert create(path, records(work(0, 7, 8)))
    assert not create(path, records())
    with Database(path).reading() as connection:
        assert connection.execute("SELECT count(*) FROM shifts").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".making")] == []


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, work(0, 7, 8))
    with pytest.raises(sqlite3.IntegrityError), database.writing() as connection:
        insert_shifts(connection, [work(1, 7, 8), work(0, 7, 8)])
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM shifts").fetchone() == (1,)


def test_a_file_that_was_taken_away_is_an_error_and_no_empty_schedule(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), Database(tmp_path / "gone.db").reading():
        pass
    assert list(tmp_path.iterdir()) == []


COUNT_UP = """
import sys
from pathlib import Path
from examples.residency.data.database import Database
for _ in range(20):
    with Database(Path(sys.argv[1])).writing() as connection:
        (version,) = connection.execute("SELECT version FROM programme").fetchone()
        connection.execute("UPDATE programme SET version = ?", (version + 1,))
"""


def test_writers_of_several_processes_wait_for_each_other(tmp_path: Path) -> None:
    database, _ = stored(tmp_path)
    command = [sys.executable, "-c", COUNT_UP, str(database.path)]
    writers = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [writer.wait(timeout=scaled(60)) for writer in writers] == [0, 0, 0]
    with database.reading() as connection:
        assert connection.execute("SELECT version FROM programme").fetchone() == (61,)
