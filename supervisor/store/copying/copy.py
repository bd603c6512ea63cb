"""Copies a SQLite database to PostgreSQL: one transaction, so that a copy is complete or does not exist."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store.control.audit import broken_chain
from supervisor.store.copying.copied import Copied, NotCopied
from supervisor.store.copying.rows import REPORT, compare_rows, read_rows, write_rows
from supervisor.store.copying.tables import tables_of
from supervisor.store.engine import Reader
from supervisor.store.money.disagreements import disagreements
from supervisor.store.ports.cluster.nodes import OF_AUDIT
from supervisor.store.postgres.checks import check_server
from supervisor.store.postgres.cluster.standing import WRITE_LOCK
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.errors import remedy_of
from supervisor.store.postgres.migrate import migrate, versions
from supervisor.store.postgres.opening import Address
from supervisor.store.sqlite import errors, opening
from supervisor.store.sqlite.backup import check_integrity
from supervisor.store.sqlite.migrate import compare
from supervisor.store.transaction import Seal

__all__ = ["Address", "copy"]

COPIED = ".copied"
"""What the name of a file ends with that was copied."""

_HAS_TABLES = """
    SELECT EXISTS (
        SELECT 1 FROM pg_class AS c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
        AND NOT EXISTS (
            SELECT 1 FROM pg_depend AS d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        )
    )
"""
"""Tables of an extension do not count."""

_NOTE_KEY = "INSERT INTO marks (name, value) VALUES (?, ?)"

# Both databases are busy for minutes; nobody else waits for this connection.
_PATIENCE = "SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0"


class NotEmpty(NotCopied):
    """The database in PostgreSQL has tables."""

    def __init__(self, url: str, version: int) -> None:
        holds = f"it holds an installation of version {version}" if version else "it has tables of something else"
        super().__init__(
            f"the database {url} is not empty: {holds}",
            "copy to a new one (CREATE DATABASE); if an earlier copy was completed, start the daemon",
        )


def copy(address: Address, path: Path, seal: Seal, audit: int | None = None) -> Copied:
    """Copy a database that no daemon uses, compare every row, and rename the file.

    Args:
        audit: the check value of the key of `seal`, so that no node with another key goes on with the trail; None =
            there is no key yet.

    Raises:
        NoDatabase: there is no file.
        NotCopied: one of the databases cannot be used, or refused.
        StorageError: the server went away during the commit, or the file cannot be renamed.
        ConfigError: one of the databases has another version, or the server is not fit.
    """
    kept = path.with_name(f"{path.name}{COPIED}")
    if kept.exists():
        raise NotCopied(
            f"{kept} exists, so it was copied before",
            f"start the daemon; to copy once more, rename that file to {path.name}",
        )
    opening.find(path, used=False)
    try:
        with closing(_source(path)) as source, closing(address.connection("xswarm copy")) as target:
            with closing(address.reader("xswarm check")) as another:
                check_server(target, another)
            _begin(target, address)
            tables, rows, problems = _copied(source, target, seal, audit)
    except (psycopg.Error, sqlite3.Error, OSError) as error:
        raise _failure(error) from error
    try:
        path.rename(kept)
    except OSError as error:
        raise StorageError(
            f"the copy is complete, but {path} could not be renamed: {error.strerror}",
            "move the file away: a daemon on it would send its waiting replies again",
        ) from error
    return Copied(tables=tables, rows=rows, problems=problems, file=kept)


def _source(path: Path) -> sqlite3.Connection:
    """Open the file, with what a killed daemon has left in its log, and check it.

    Raises:
        NoDatabase: it is empty.
        NotCopied: it is damaged.
        ConfigError: it has another version than this program.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        opening.refuse_empty(connection, path, used=False)
        version, newest = compare(connection)
        if version != newest:
            raise ConfigError(
                "state.dir",
                f"the database has version {version}, and this command copies version {newest}",
                "start the daemon once without store.url: it keeps a copy of the database, then migrates it",
            )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute("PRAGMA query_only = ON")
        if problems := check_integrity(connection):
            raise NotCopied(f"it is damaged: {problems[0]}", errors.DAMAGED)
        connection.execute("BEGIN")
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(target: PgConnection, address: Address) -> None:
    """Begin the transaction, under the lock under which a daemon opens the database; check that it is empty.

    Raises:
        NotEmpty: it is not.
        ConfigError: it was written by a newer version.
    """
    target.script(f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK})")
    target.script(_PATIENCE)
    version, _ = versions(target)
    if version or target.execute(_HAS_TABLES).fetchone()[0]:
        raise NotEmpty(address.url, version)


def _copied(
    source: sqlite3.Connection, target: PgConnection, seal: Seal, audit: int | None
) -> tuple[int, int, list[str]]:
    """Copy, compare, commit; return how many tables and rows there are, and which problems both have."""
    migrate(target)
    tables = tables_of(target)
    for table in tables:
        write_rows(target, table, read_rows(source, table))
    rows = sum(compare_rows(source, target, table) for table in tables)
    problems, found = _problems(source, seal), _problems(target, seal)
    if problems != found:
        raise NotCopied(f"the copy would have other problems than the file: {found}", REPORT)
    if audit is not None:
        target.execute(_NOTE_KEY, (OF_AUDIT, audit))
    try:
        target.script("COMMIT")
    except psycopg.OperationalError as error:
        raise StorageError(
            "PostgreSQL went away during the commit: everything was copied, or nothing",
            "run the command again: it says so where the database is not empty any more",
        ) from error
    return len(tables), rows, problems


def _problems(connection: Reader, seal: Seal) -> list[str]:
    broken = broken_chain(connection, seal)
    return [*sorted(disagreements(connection)), *([] if broken is None else [broken])]


def _failure(error: Exception) -> NotCopied:
    """Return the error for a person: which database refused, and where."""
    if not isinstance(error, psycopg.Error):
        return NotCopied(str(error), errors.remedy_of(error))
    said = str(error).strip() or "PostgreSQL does not answer"
    where = (error.diag.context or "").partition(chr(10))[0]
    remedy = remedy_of(error)
    return NotCopied(
        f"PostgreSQL: {said.splitlines()[0]}{where and f' ({where})'}",
        f"{remedy}; then run the command again" if remedy else "",
    )
