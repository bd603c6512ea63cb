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

_OF_THE_WORK = (errors.IntegrityError, errors.ProgrammingError, errors.DataError)
"""What was written is at fault, or its rights: to write it again is of no use."""

_AT_CONNECTING = (
    ("authentication failed", ACCESS),
    ("no password supplied", ACCESS),
    ("role ", ACCESS),
    ("database ", "create the database of [store] url"),
)
"""What stands in the errors of a connection that is refused: psycopg gives them no code."""


def storage_error(error: Exception) -> Exception:
    """Return the error for the caller: errors of PostgreSQL become a `StorageError`, others stay."""
    if isinstance(error, XswarmError) or not isinstance(error, (psycopg.Error, OSError)):
        return error
    failure = StorageError(_why(error), for_sender(remedy_of(error)), lasts=isinstance(error, _OF_THE_WORK))
    failure.__cause__ = error
    return failure


def remedy_of(error: Exception) -> str:
    """Return what to do about an error; empty = its cause is not known."""
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            return remedy
    for said, remedy in _AT_CONNECTING if isinstance(error, psycopg.OperationalError) else ():
        if f"FATAL:  {said}" in str(error) or (said in str(error) and said.endswith(("failed", "supplied"))):
            return remedy
    return AWAY if isinstance(error, (psycopg.OperationalError, OSError)) else ""


def _why(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"PostgreSQL: {lines[0]}" if lines else "PostgreSQL does not answer"
