"""The watchdog kills a process that is not heard of in time, and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import proc
from tests.slowness import scaled
from tests.waiting import wait_until

FAR = 3600.0


class Watched:
    """A process with a watchdog."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.supervisor.cluster.watched"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str | float) -> int:
        """Tell it a deadline in seconds from now, or "close"; return the pid of its watchdog, 0 = it has none."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def ended(self) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(scaled(20.0))


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A process with a watchdog, which does not watch yet."""
    found = Watched()
    yield found
    found.process.kill()
    found.process.wait()
    for pipe in (found.process.stdin, found.process.stdout):
        assert pipe is not None
        pipe.close()


def test_a_process_that_was_stopped_is_killed_at_its_deadline(watched: Watched) -> None:
    watched.say(1.0)
    watched.process.send_signal(signal.SIGSTOP)
    assert watched.ended() == -signal.SIGKILL


def test_a_process_that_is_heard_of_lives_on(watched: Watched) -> None:
    dog = watched.say(scaled(2.0))
    assert watched.say(FAR) == dog
    watched.say(FAR)
    assert watched.say("close") == 0
    assert not proc.lives(dog)
    assert watched.process.poll() is None


def test_the_watchdog_ends_with_its_process(watched: Watched) -> None:
    dog = watched.say(FAR)
    assert proc.lives(dog)
    watched.process.kill()
    wait_until(lambda: not proc.lives(dog), "it has ended")


def test_what_stops_the_terminal_does_not_stop_the_watchdog(watched: Watched) -> None:
    dog = watched.say(FAR)
    assert os.getsid(dog) == dog
    assert os.getsid(watched.process.pid) != dog


def test_a_watchdog_that_somebody_ended_is_started_again(watched: Watched) -> None:
    first = watched.say(FAR)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not proc.lives(first), "it has ended")
    second = watched.say(1.0)
    assert second not in (0, first)
    assert watched.ended() == -signal.SIGKILL
