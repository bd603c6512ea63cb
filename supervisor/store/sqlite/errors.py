"""Errors of SQLite and of the disk as a `StorageError`, each with the remedy of its cause."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from supervisor.protocol.errors import StorageError, XswarmError
from supervisor.protocol.text.refusals import for_sender

FULL = "free disk space under state.dir"
READ_ONLY = "make state.dir writable: check its owner, its mode and how its disk is mounted"
DISK = "free disk space under state.dir, or check the disk and the system's log"
DAMAGED = "stop the daemon, restore a backup (made by `xswarm db backup`), and keep the damaged file for analysis"
BUSY = "end the other program that has the database open"

_OF_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_AUTH: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_IOERR: DISK,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_FORMAT: DAMAGED,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
}
"""Remedies by the primary result code of SQLite (https://www.sqlite.org/rescode.html)."""

_PASSES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
"""Primary result codes of what passes by itself. A file has no other outages: the rest lasts until a person acts."""

_OF_ERRNO = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.EIO: DISK,
}


def storage_error(error: Exception, path: Path | None = None) -> Exception:
    """Return the error for the caller: errors of SQLite and the disk become a `StorageError`, others stay.

    Args:
        path: the file that could not be opened or closed; None = a read or write of a caller failed.
    """
    if isinstance(error, XswarmError) or not isinstance(error, (sqlite3.Error, OSError)):
        return error
    cure, lasts = remedy_of(error), _code_of(error) not in _PASSES
    if path is not None:
        failure = StorageError(f"{path}: {_why(error)}", cure, lasts=lasts)
    else:
        failure = StorageError(_why(error), for_sender(cure), lasts=lasts)
    failure.__cause__ = error
    return failure


def remedy_of(error: Exception) -> str:
    """Return what to do about an error of SQLite or the disk; empty = its cause is not known."""
    if isinstance(error, OSError):
        return _OF_ERRNO.get(error.errno or 0, "")
    return _OF_SQLITE.get(_code_of(error), "")


def _code_of(error: Exception) -> int:
    """Return the primary result code of an error of SQLite; 0 = it has none."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else 0


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
