"""The clock of a running turn, Sans-I/O: when it was last heard, and when its time is up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def never() -> float:
    """Return that no process was ever stopped."""
    return 0.0


class TurnClock:
    """Counts the time for which a turn works; it stands while a person is asked, and while all processes stand.

    Args:
        monotonic: returns monotonic time, in seconds.

    Attributes:
        heard: monotonic time of the last event or of the last answer to a question, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = self.heard = self._noted = monotonic()
        self._stood: Callable[[], float] = never
        self._questions = 0
        self._worked = 0.0  # until `_noted`, in seconds
        self._limit = math.inf

    @property
    def duration_ms(self) -> int:
        """Milliseconds since the turn began, those in which the clock stood included."""
        return round((self._monotonic() - self._began) * 1000)

    def hear(self) -> None:
        """Note a sign of life of the turn."""
        self.heard = self._monotonic()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count the time of a `with` block as waiting for a person, not as the turn's time; blocks may overlap."""
        self._note()
        self._questions += 1
        try:
            yield
        finally:
            self._note()
            self._questions -= 1
            self.hear()

    @property
    def is_asking(self) -> bool:
        """Whether the turn waits for a person."""
        return bool(self._questions)

    def stand_with(self, stood: Callable[[], float]) -> None:
        """Let the clock stand while all processes do.

        Args:
            stood: for how many seconds they stood so far.
        """
        self._note()
        self._stood = stood
        self._noted = self._monotonic() - stood()

    def limit(self, seconds: float) -> None:
        """Let the time of the turn be up when it has worked for so many seconds from now."""
        self._note()
        self._limit = self._worked + seconds

    def left(self) -> float:
        """Return for how many seconds the turn may still work; 0 or less = its time is up, infinite = without limit."""
        self._note()
        return self._limit - self._worked

    def _note(self) -> None:
        """Count the time since the clock was last looked at, unless a person was asked then."""
        now = self._monotonic() - self._stood()  # so that no second counts twice that is asked in while processes stand
        if not self._questions:
            self._worked += now - self._noted
        self._noted = now
