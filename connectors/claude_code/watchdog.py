"""Time limits of a turn. No I/O, and no clock: callers pass the time."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """Time limits of a session, in seconds.

    Attributes:
        turn: for a whole turn, without the time that a person takes to decide, or for which the process is frozen.
        silence: without a frame, while neither a tool runs nor a person decides.
        acceptance: until Claude Code accepts a prompt.
        dropped: the same, where it has probably dropped the prompt.
        receipt: until an interrupt is confirmed and the turn has ended; then the process is killed.
        start: from the start of the process to its first response.
        write: until the process has read a line.
        look: between two checks of the memory and processes of a session.
    """

    turn: float = 3600.0
    silence: float = 600.0
    acceptance: float = 60.0
    dropped: float = 2.0
    receipt: float = 10.0
    start: float = 60.0
    write: float = 30.0
    look: float = 1.0

    def with_turn(self, seconds: float) -> TimeLimits:
        """Return the same limits with another one for a turn, in seconds."""
        return replace(self, turn=seconds)


class Watchdog:
    """Watches one turn. `now` is always in seconds of a monotonic clock."""

    def __init__(self, limits: TimeLimits, now: float) -> None:
        self._limits = limits
        self._started = now
        self._heard = now
        self._held_since: float | None = None
        self._held = 0.0

    def heard(self, now: float) -> None:
        """Note a sign of life."""
        self._heard = now

    def hold(self, now: float) -> None:
        """Stop the clocks while a person decides, or while the process is frozen."""
        if self._held_since is None:
            self._held_since = now

    def release(self, now: float) -> None:
        """Let the clocks run again."""
        if self._held_since is not None:
            self._held += now - self._held_since
            self._held_since = None
            self._heard = now

    def due(self, now: float, *, accepted: bool, ignored: bool, tool_running: bool) -> str | None:
        """Return why the turn must end now, as a sentence for a person, or None.

        Args:
            accepted: Claude Code has accepted every prompt in flight.
            ignored: it has probably dropped one.
            tool_running: a tool call is running.
        """
        if self._held_since is not None:
            return None
        limits = self._limits
        running = now - self._started - self._held
        if running >= limits.turn:
            return f"the turn took longer than {limits.turn:g} seconds"
        if not accepted and running >= (limits.dropped if ignored else limits.acceptance):
            return "it did not take up the message; send it again as a new message"
        if not tool_running and now - self._heard >= limits.silence:
            return f"it gave no sign of life for {limits.silence:g} seconds"
        return None
