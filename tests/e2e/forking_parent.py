"""Imports the daemon and the command line, and forks a child for each that a test starts: imports take most of a start.

`python -m tests.e2e.forking_parent FD`: FD is a socket of type SOCK_SEQPACKET. Each packet is a request, see `Request`.
With it come the child's stdin, stdout and stderr, and a socket that is told its pid and later its exit code.
The process ends when the other end of FD is closed; its children go on.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import selectors
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cli import main as command_line
from cli.imports import imported
from supervisor import __main__ as daemon

PROGRAMS: Mapping[str, Callable[[], int | None]] = {"supervisor": daemon.run, "cli.main": command_line.main}
"""By module; what they return is the argument of `sys.exit`."""

LATER_PACKAGES = ("channels", "connectors.claude_code")
"""What a daemon imports once it has read its configuration: channels, and the connector of sessions."""

LATER_MODULES = (
    "pydantic.v1",
    "supervisor.models.published",
    "supervisor.tools.servers.connection",
    "twilio.rest.api.v2010",
)
"""What a daemon imports only at its first use."""

MAX_REQUEST = 1 << 20
"""The most bytes of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a child runs: `python -m MODULE` with these arguments, in this folder and environment."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str


class Parent:
    """Forks children and tells how they ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> Request | None:
        """Serve requests; returns in each child with its request, and in this process with None at the end."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._control:
                    self._tell_end(key.fd, *key.data)
                    continue
                text, given, _, _ = socket.recv_fds(self._control, MAX_REQUEST, 4)
                if not text:
                    return None
                if (pid := os.fork()) == 0:
                    self._become_child(given)
                    return Request(**json.loads(text))
                self._watch(pid, given)

    def _watch(self, pid: int, given: Sequence[int]) -> None:
        *outputs, status = given
        for fd in outputs:
            os.close(fd)
        told = socket.socket(fileno=status)
        told.send(str(pid).encode())
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, told))

    def _tell_end(self, pidfd: int, pid: int, told: socket.socket) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):  # where nobody waits for it any more
            told.send(str(os.waitstatus_to_exitcode(status)).encode())
        told.close()

    def _become_child(self, given: Sequence[int]) -> None:
        """Give back what is this process's, so that the child has its own stdin, stdout and stderr only."""
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                os.close(key.fd)
                key.data[1].close()
        self._selector.close()
        self._control.close()
        for number, fd in enumerate(given[:3]):
            os.dup2(fd, number)
        for fd in given:
            os.close(fd)


def run(request: Request) -> int | None:
    """Run the program in this process, as a new interpreter does."""
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv = [request.module, *request.arguments]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # open until the process ends
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115
    return PROGRAMS[request.module]()


def import_all() -> None:
    """Import the daemon, and most of what a daemon imports later."""
    for name in ("supervisor.daemon", *LATER_MODULES):
        imported(name)
    for package in map(imported, LATER_PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            imported(module.name)


def main() -> int | None:
    """Fork until the other end is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    import_all()
    gc.collect()
    gc.freeze()
    request = Parent(control).serve()
    return 0 if request is None else run(request)


if __name__ == "__main__":
    sys.exit(main())
