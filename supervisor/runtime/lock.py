"""One daemon per state.dir: an advisory lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from supervisor.protocol.errors import ConfigError


class StateLock:
    """Holds `state.dir/daemon.lock` while it is entered.

    Raises:
        ConfigError: on entering, when another process holds it, or the folder cannot be used.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "daemon.lock"
        self._descriptor: int | None = None

    def __enter__(self) -> StateLock:
        try:
            # Its parent too: below a demo's folder lies the one that a real daemon will use.
            for folder in (self._path.parent.parent, self._path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError("state.dir", f"must be a folder that can be written to: {error}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise ConfigError(
                "state.dir",
                f"another xswarm (pid {holder or 'unknown'}) is using {self._path.parent}",
                "stop it first, or give this one a state.dir of its own",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a child that is just being started has a copy for a moment
            os.close(self._descriptor)
            self._descriptor = None
