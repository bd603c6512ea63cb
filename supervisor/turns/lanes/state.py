"""A lane's state machine, Sans-I/O: each method is an event, and returns what is to be done.

A lane goes through these phases for each turn; every phase may go back to IDLE, when the attempt to run a turn is over:

    IDLE -> LOOKING <-> OPENING          the next turn is looked for, and the process of its session opened
            LOOKING  -> RUNNING          a turn begins
            RUNNING  -> COMPLETING       it has ended
            COMPLETING -> LOOKING        a turn that was steered into it begins in its place
"""

from __future__ import annotations

from enum import StrEnum

from supervisor.protocol.messages import MessageId
from supervisor.store.records.turn import Turn


class LanePhase(StrEnum):
    """What a lane does."""

    IDLE = "idle"
    """Nothing."""
    LOOKING = "looking"
    """It looks for its next turn, or has one that has not begun."""
    OPENING = "opening"
    """It opens the process of its session before it takes its next turn."""
    RUNNING = "running"
    """A turn runs."""
    COMPLETING = "completing"
    """A turn has ended, and its outcome is being stored."""


IDLE, LOOKING, OPENING, RUNNING, COMPLETING = LanePhase

BEGINNING = frozenset({LOOKING, OPENING})
"""Phases in which a turn may be about to begin."""

BUSY = BEGINNING | {RUNNING}
"""Phases in which a turn runs or may be about to begin."""

_MAY_FOLLOW = {
    IDLE: frozenset(LanePhase),
    LOOKING: frozenset({IDLE, OPENING, COMPLETING}),
    OPENING: frozenset({LOOKING}),
    RUNNING: frozenset({LOOKING}),
    COMPLETING: frozenset({RUNNING}),
}
"""The phases that each phase may follow."""


class LaneState:
    """The state of one lane; only its methods change it.

    A method that changes the phase raises AssertionError where the event cannot happen in the present one.

    Attributes:
        phase: what the lane does.
        waiting: number of turns that it was told of and has not started; None = unknown.
        given: a turn that T1 has started, and that has not begun.
    """

    __slots__ = ("_before_take", "_interrupted", "_interrupted_by", "given", "phase", "waiting")

    def __init__(self) -> None:
        self.phase = IDLE
        self.waiting: int | None = 0
        self.given: Turn | None = None
        self._before_take: int | None = 0  # `waiting` when T2 was asked; it counts anew what is queued meanwhile
        self._interrupted = False
        self._interrupted_by: MessageId | None = None

    @property
    def has_work(self) -> bool:
        """Whether the lane has a turn to run, or may have one."""
        return self.waiting != 0 or self.given is not None

    def interrupts(self, message_id: MessageId) -> bool:
        """Return whether the turn of a message is interrupted where it is the next that begins."""
        return self._interrupted or self._interrupted_by not in (None, message_id)

    # -- the phases

    def look_began(self) -> None:
        """The lane looks for its next turn."""
        self._move(LOOKING)

    def opening_began(self) -> None:
        """The process of the session is being opened."""
        self._move(OPENING)

    def opening_ended(self) -> None:
        """The process was opened, or failed to."""
        self._move(LOOKING)

    def turn_began(self, message_id: MessageId) -> bool:
        """A turn begins; return whether it is to be interrupted."""
        interrupted = self.interrupts(message_id)
        self._move(RUNNING)
        self._interrupted, self._interrupted_by = False, None
        return interrupted

    def turn_ended(self) -> None:
        """The running turn has ended."""
        self._move(COMPLETING)

    def turn_follows(self) -> None:
        """Another turn is about to begin in the place of the one that ended."""
        self._move(LOOKING)

    def look_ended(self) -> None:
        """The attempt to run a turn is over, with or without one."""
        self._move(IDLE)
        self._interrupted, self._interrupted_by = False, None

    # -- the turns that wait

    def turn_queued(self) -> None:
        """One more turn waits in the store."""
        if self.waiting is not None:
            self.waiting += 1

    def turn_given(self, turn: Turn) -> None:
        """T1 has started a turn at once; the lane runs it before it takes another one."""
        self.given = turn

    def queue_unknown(self) -> None:
        """Nobody knows how many turns wait: the lane takes turns until the store has none left."""
        self.waiting = None

    def take(self) -> Turn | None:
        """The lane is ready to run a turn; return the one that T1 has started.

        None = start the next turn of the store (T2), and call `turns_taken`, `nothing_taken` or `take_failed`.
        """
        if (given := self.given) is not None:
            self.given = None
            return given
        self._before_take, self.waiting = self.waiting, 0
        return None

    def turns_taken(self, count: int) -> None:
        """T2 has started a turn; `count` turns wait no longer: the started one and those gathered with it."""
        self._recount(less=count)

    def nothing_taken(self) -> None:
        """T2 has started no turn: none waits, or something is in its way, which wakes the lane when it is gone."""
        self._before_take = 0  # only what was queued meanwhile counts

    def take_failed(self) -> None:
        """The store refused T2."""
        self._recount(less=0)

    def broke(self) -> None:
        """The lane cannot go on; the turns that wait are found again by the next sweep."""
        self.waiting = 0

    def belongs_to_another(self) -> None:
        """Another node runs the turns of the lane."""
        self.waiting = 0

    # -- interrupts

    def interrupt(self, by: MessageId | None = None) -> bool:
        """Somebody wants to interrupt the turn that is about to begin; return whether there may be one.

        It is meant for the next turn that begins, and is over with the attempt.

        Args:
            by: the message that interrupts it, unless it is the turn of that message; None = a person or program.
        """
        if self.phase not in BEGINNING:
            return False
        if by is None:
            self._interrupted = True
        else:
            self._interrupted_by = by
        return True

    def _recount(self, *, less: int) -> None:
        queued, before = self.waiting, self._before_take
        self.waiting = None if queued is None or before is None else max(0, queued + before - less)

    def _move(self, phase: LanePhase) -> None:
        assert self.phase in _MAY_FOLLOW[phase], f"a lane that is {self.phase} cannot be {phase} next"
        self.phase = phase
