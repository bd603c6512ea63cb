"""What a service manager is told: ready, still alive, stopping (sd_notify(3), as systemd and others read it).

`Notices` is Sans-I/O: it says what is due. `ServiceManager` sends it, and does nothing where no manager asked for it.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

logger = logging.getLogger(__name__)

MICROSECONDS = 1_000_000


class Notices:
    """The text of each notice, and when the next sign of life is due.

    Args:
        environ: has NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID where a manager wants notices.
        pid: of this process.

    Attributes:
        address: of the socket; empty = nobody wants notices.
        watchdog_seconds: the manager ends the process after this time without a sign of life; 0 = it never does.
    """

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        given = environ.get("NOTIFY_SOCKET", "")
        # "@" stands for the zero byte of an abstract socket. Other kinds, such as vsock, are not for a local service.
        self.address = f"\0{given[1:]}" if given.startswith("@") else given if given.startswith("/") else ""
        microseconds = environ.get("WATCHDOG_USEC", "")
        is_ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        self.watchdog_seconds = int(microseconds) / MICROSECONDS if microseconds.isdigit() and is_ours else 0.0
        self._last: float | None = None

    def ready(self, status: str) -> str:
        """Return the notice that the start is over."""
        return f"READY=1\nSTATUS={status}"

    def stopping(self) -> str:
        """Return the notice that the process ends by itself."""
        return "STOPPING=1\nSTATUS=running turns may end"

    def alive(self, now: float) -> str:
        """Return the sign of life; empty = the last one is young enough.

        Args:
            now: a monotonic time, in seconds.
        """
        if not self.watchdog_seconds or (self._last is not None and now - self._last < self.watchdog_seconds / 3):
            return ""
        self._last = now
        return "WATCHDOG=1"


class ServiceManager:
    """Sends notices to the service manager that started this process, if any."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._notices = Notices(environ, os.getpid())
        self._failed = False

    def ready(self, status: str) -> None:
        """Tell that the daemon serves.

        Args:
            status: one line, which `systemctl status` shows.
        """
        self._send(self._notices.ready(status))

    def alive(self, now: float) -> None:
        """Tell that the event loop turns, where a sign of life is due; call it at each beat of the loop."""
        if notice := self._notices.alive(now):
            self._send(notice)

    def stopping(self) -> None:
        """Tell that the daemon stops."""
        self._send(self._notices.stopping())

    def _send(self, notice: str) -> None:
        if not self._notices.address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)  # a manager that does not read must not stop the event loop
                sender.connect(self._notices.address)
                sender.send(notice.encode())
        except OSError as error:
            if not self._failed:
                logger.warning("the service manager hears nothing: %s", error)
            self._failed = True
