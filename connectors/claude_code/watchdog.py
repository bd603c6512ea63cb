"""How long a turn may take, and how long Claude Code may be silent. No I/O, no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """All in seconds.

    Attributes:
        turn: a whole turn, not counting the time that a person takes to decide.
        silence: without a frame, while neither a tool nor a person is being waited for.
        acceptance: until Claude Code shows that it knows a prompt.
        dropped: the same, once it looks as if it has dropped the prompt.
        receipt: until an interrupt is confirmed and the turn has ended; then the process is killed.
        start: from the start of the process until it answers.
        write: until a line is taken by the process.
        look: between two looks at what the session takes of the machine.
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
        """Return the same limits for a session with its own limit for a turn."""
        return replace(self, turn=seconds)


class Watchdog:
    """Watches one turn. Every method takes `now`, in seconds of a clock that never goes back."""

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
        """Stop the clocks: a decision is being waited for."""
        if self._held_since is None:
            self._held_since = now

    def release(self, now: float) -> None:
        """Let the clocks run again."""
        if self._held_since is not None:
            self._held += now - self._held_since
            self._held_since = None
            self._heard = now

    def due(self, now: float, *, accepted: bool, ignored: bool, tool_running: bool) -> str | None:
        """Return why the turn must end now, in words for a person, or None while all is well."""
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
