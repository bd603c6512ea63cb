"""Errors of PostgreSQL as a `StorageError`, each with the remedy of its cause."""

from __future__ import annotations

import psycopg
from psycopg import errors

from supervisor.protocol.errors import StorageError, XswarmError
from supervisor.protocol.text.refusals import for_sender

AWAY = "see that PostgreSQL runs and can be reached at the address of [store] url"
FULL = "free disk space where PostgreSQL keeps its data"
READ_ONLY = "point [store] url to the primary server: this one only reads"
ACCESS = "check the user of [store] url, its password and its rights"
CROWDED = "raise max_connections in postgresql.conf: each node holds about six connections"
BUSY = "see who holds the lock: SELECT * FROM pg_locks JOIN pg_stat_activity USING (pid)"

_REMEDIES: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.DiskFull, FULL),
    (errors.ReadOnlySqlTransaction, READ_ONLY),
    (errors.InvalidAuthorizationSpecification, ACCESS),
    (errors.InvalidPassword, ACCESS),
    (errors.InsufficientPrivilege, ACCESS),
    (errors.InvalidCatalogName, "create the database of [store] url"),
    (errors.LockNotAvailable, BUSY),
    (errors.QueryCanceled, BUSY),
)

_LAST = (errors.IntegrityError, errors.ProgrammingError, errors.DataError, errors.DiskFull)
"""What was written is at fault, or its rights, or the disk has no room for it: to write it again is of no use."""

_DISK_IS_FULL = "the disk of the PostgreSQL server is full"

_NO_SPACE = "No space left on device"
_AT_CONNECTING = (
    ("authentication failed", ACCESS),
    ("no password supplied", ACCESS),
    ("role ", ACCESS),
    (
        "no pg_hba.conf entry",
        "allow this machine in pg_hba.conf of the PostgreSQL server, and let it load the file again",
    ),
    ("database ", "create the database of [store] url"),
    ("sorry, too many clients already", CROWDED),
    ("remaining connection slots are reserved", CROWDED),
)
"""What stands in the errors of a connection that is refused: psycopg gives them no code."""


def storage_error(error: Exception) -> Exception:
    """Return the error for the caller: errors of PostgreSQL become a `StorageError`, others stay."""
    if isinstance(error, XswarmError) or not isinstance(error, (psycopg.Error, OSError)):
        return error
    failure = StorageError(_why(error), for_sender(remedy_of(error)), lasts=isinstance(error, _LAST))
    failure.__cause__ = error
    return failure


def remedy_of(error: Exception) -> str:
    """Return what to do about an error; empty = its cause is not known."""
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            return remedy
    if _is_full(error):
        return FULL
    for said, remedy in _AT_CONNECTING if isinstance(error, psycopg.OperationalError) else ():
        if f"FATAL:  {said}" in str(error) or (said in str(error) and said.endswith(("failed", "supplied"))):
            return remedy
    return AWAY if isinstance(error, (psycopg.OperationalError, OSError)) else ""


def _is_full(error: Exception) -> bool:
    """Return whether the disk of the server is full; the error of a refused connection has no code."""
    return isinstance(error, errors.DiskFull) or (
        isinstance(error, psycopg.OperationalError) and _NO_SPACE in str(error)
    )


def _why(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    if _is_full(error):
        return f"{_DISK_IS_FULL}: {lines[0]}" if lines else _DISK_IS_FULL
    return f"PostgreSQL: {lines[0]}" if lines else "PostgreSQL does not answer"
