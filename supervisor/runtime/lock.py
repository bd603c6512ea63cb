"""One daemon per state.dir: an advisory lock that the kernel releases when the process ends."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from supervisor.protocol.errors import ConfigError
from supervisor.runtime.peers.ports import described

LOCK_FILE = "daemon.lock"
"""The file in state.dir that is locked."""

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class StateLock:
    """A context manager that holds `state.dir/daemon.lock`.

    Raises:
        ConfigError: on entering, because another process holds the lock, or the folder cannot be used.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / LOCK_FILE
        self._descriptor: int | None = None

    def __enter__(self) -> StateLock:
        try:
            # The parent gets mode 0700 too: for a demo, it is the folder that a real daemon will use.
            for folder in (self._path.parent.parent, self._path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_shared(self._path.parent)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self._path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise _in_use(self._path.parent, holder) from None
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(descriptor)
            raise _unusable(self._path, error) from None
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            with suppress(OSError):  # a disk that has become read-only; the lock counts, not the number in it
                os.ftruncate(self._descriptor, 0)
            fcntl.flock(
                self._descriptor, fcntl.LOCK_UN
            )  # a child that is being started holds a copy of the descriptor for a moment
            os.close(self._descriptor)
            self._descriptor = None


def _in_use(folder: Path, holder: str) -> ConfigError:
    """Return the error that names the process which holds the lock.

    Args:
        holder: what the file of the lock says: a process id, or nothing for a moment at its start and end.
    """
    stop = "stop it first"
    if holder.isdecimal():
        stop += f" (`kill {holder}`: {described(int(holder))})"
    return ConfigError(
        "state.dir",
        f"another xswarm (pid {holder or 'unknown'}) is using {folder}",
        f"{stop}, or set another state.dir",
    )


def _refuse_shared(folder: Path) -> None:
    """Return if only this user can change what is in the folder.

    Raises:
        ConfigError: others can write to it, or own it.
    """
    found = folder.stat()
    if found.st_mode & WRITABLE_BY_OTHERS:
        raise ConfigError("state.dir", f"{folder} can be written by other users", f"chmod 700 {folder}")
    if os.geteuid() not in (0, found.st_uid):  # root may administer the state of a daemon that runs as another user
        raise ConfigError(
            "state.dir", f"{folder} belongs to another user", "run xswarm as its owner, or set another state.dir"
        )


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        "state.dir",
        f"must be a writable folder: {error.filename or path}: {error.strerror}",
        "free disk space there or make it writable (owner, mode, how its disk is mounted), or set another state.dir",
    )
