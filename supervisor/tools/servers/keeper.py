"""Runs a tool server, and ends its whole process tree when the server ends, on SIGTERM, or when the daemon dies.

A script (`python -I -S keeper.py SECONDS COMMAND...`) with the standard library only. On SIGTERM it asks the server to
end, waits for SECONDS, and kills. It is the child subreaper of its tree (prctl(2), PR_SET_CHILD_SUBREAPER): orphaned
processes, even in sessions of their own, become its children.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class _Asked(BaseException):
    """SIGTERM has come: the daemon has died, or the keeper is asked to end."""


def main(seconds: float, command: list[str]) -> int:
    """Run the command; return its exit code as a shell would."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    signal.signal(signal.SIGTERM, _raise)
    for option, value in ((PR_SET_CHILD_SUBREAPER, 1), (PR_SET_PDEATHSIG, signal.SIGTERM)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            return 126
    child = 0
    try:
        if os.getppid() != parent:  # the daemon died before PR_SET_PDEATHSIG was set
            return 143
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _run(command)
        _close_pipes()
        return _wait_for(child)
    except _Asked:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return _end(child, seconds) if child else 143
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_tree()


def _run(command: list[str]) -> None:
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _close_pipes() -> None:
    """Let go of the server's pipes, so that the daemon sees their end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _raise(number: int, frame: object) -> None:
    raise _Asked


def _wait_for(child: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == child:
            return _code(status)


def _end(child: int, seconds: float) -> int:
    """Ask the server to end; return its exit code, or 143 where it runs after some seconds."""
    deadline = time.monotonic() + seconds
    os.kill(child, signal.SIGTERM)
    while time.monotonic() < deadline:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return _code(status)
        if pid == 0:
            time.sleep(0.01)
    return 143


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _end_tree() -> None:
    """Kill all descendants until none is left; a process forked meanwhile is killed in the next round."""
    while True:
        for pid in _descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        try:
            os.wait()
        except ChildProcessError:
            return


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    stat = file.read()
            except OSError:
                continue
            parent = int(stat[stat.rfind(b")") + 2 :].split()[1])
            children.setdefault(parent, []).append(int(name))
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
