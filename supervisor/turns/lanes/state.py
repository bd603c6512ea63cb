"""A lane's state machine, Sans-I/O: an event in, the next state and the decisions out.

A lane goes through these phases for each turn; every phase may go back to IDLE, when the attempt to run a turn is over:

    IDLE -> LOOKING <-> OPENING          the next turn is looked for, and the process of its session opened
            LOOKING  -> RUNNING          a turn begins
            RUNNING  -> COMPLETING       it has ended
            COMPLETING -> LOOKING        a turn that was steered into it begins in its place
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class TurnQueued:
    """One more turn waits in the store."""


@dataclass(frozen=True, slots=True)
class TurnGiven:
    """T1 has started a turn at once; the lane runs it before it takes another one."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class QueueUnknown:
    """Nobody knows how many turns wait: the lane takes turns until the store has none left."""


@dataclass(frozen=True, slots=True)
class LookBegan:
    """The lane looks for its next turn."""


@dataclass(frozen=True, slots=True)
class OpeningBegan:
    """The process of the session is being opened."""


@dataclass(frozen=True, slots=True)
class OpeningEnded:
    """The process was opened, or failed to."""


@dataclass(frozen=True, slots=True)
class TakeAsked:
    """The lane is ready to run a turn."""


@dataclass(frozen=True, slots=True)
class TurnsTaken:
    """T2 has started a turn.

    Attributes:
        count: turns that are no longer waiting: the started one and those gathered with it.
    """

    count: int


@dataclass(frozen=True, slots=True)
class NothingTaken:
    """T2 has started no turn: none waits, or something is in its way, which wakes the lane when it is gone."""


@dataclass(frozen=True, slots=True)
class TakeFailed:
    """The store refused T2."""


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """A turn begins."""

    message_id: MessageId


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The running turn has ended."""


@dataclass(frozen=True, slots=True)
class TurnFollows:
    """Another turn is about to begin in the place of the one that ended."""


@dataclass(frozen=True, slots=True)
class InterruptAsked:
    """Somebody wants to interrupt the turn that is about to begin.

    Attributes:
        by: the message that interrupts it, unless it is the turn of that message; None = a person or program.
    """

    by: MessageId | None = None


@dataclass(frozen=True, slots=True)
class LookEnded:
    """The attempt to run a turn is over, with or without one."""


@dataclass(frozen=True, slots=True)
class LaneBroke:
    """The lane cannot go on; the turns that wait are found again by the next sweep."""


Event = (
    TurnQueued
    | TurnGiven
    | QueueUnknown
    | LookBegan
    | OpeningBegan
    | OpeningEnded
    | TakeAsked
    | TurnsTaken
    | NothingTaken
    | TakeFailed
    | TurnBegan
    | TurnEnded
    | TurnFollows
    | InterruptAsked
    | LookEnded
    | LaneBroke
)


@dataclass(frozen=True, slots=True)
class RunGiven:
    """Run the turn that T1 has started."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class TakeFromStore:
    """Start the next turn of the store (T2), and feed `TurnsTaken`, `NothingTaken` or `TakeFailed` back."""


@dataclass(frozen=True, slots=True)
class InterruptNext:
    """The turn that is about to begin will be interrupted."""


@dataclass(frozen=True, slots=True)
class InterruptTurn:
    """Interrupt the turn that begins."""


Decision = RunGiven | TakeFromStore | InterruptNext | InterruptTurn


class LaneState:
    """The state of one lane; only `on` changes it.

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

    def on(self, event: Event) -> Sequence[Decision]:
        """Take an event; return what is to be done.

        Raises:
            AssertionError: the event cannot happen in this phase.
        """
        match event:
            case LookBegan() | OpeningEnded() | TurnFollows():
                self._move(LOOKING)
            case OpeningBegan():
                self._move(OPENING)
            case TurnBegan(message_id):
                interrupted = self._interrupted or self._interrupted_by not in (None, message_id)
                self._move(RUNNING)
                return (InterruptTurn(),) if interrupted else ()
            case TurnEnded():
                self._move(COMPLETING)
            case LookEnded():
                self._move(IDLE)
            case TakeAsked() | TurnsTaken() | NothingTaken() | TakeFailed():
                return self._take(event)
            case TurnQueued() | TurnGiven() | QueueUnknown() | LaneBroke():
                self._count(event)
            case InterruptAsked(by):
                return self._interrupt(by)
        return ()

    def _count(self, event: TurnQueued | TurnGiven | QueueUnknown | LaneBroke) -> None:
        """Note the turns that the lane is to run."""
        match event:
            case TurnQueued():
                self.waiting = None if self.waiting is None else self.waiting + 1
            case TurnGiven(turn):
                self.given = turn
            case QueueUnknown():
                self.waiting = None
            case LaneBroke():
                self.waiting = 0

    def _take(self, event: TakeAsked | TurnsTaken | NothingTaken | TakeFailed) -> Sequence[Decision]:
        """Decide which turn runs next, and count those that wait behind it."""
        match event:
            case TakeAsked() if self.given is not None:
                given, self.given = self.given, None
                return (RunGiven(given),)
            case TakeAsked():
                self._before_take, self.waiting = self.waiting, 0
                return (TakeFromStore(),)
            case TurnsTaken(count):
                self._recount(less=count)
            case TakeFailed():
                self._recount(less=0)
            case NothingTaken():
                pass  # only what was queued meanwhile counts
        return ()

    def _recount(self, *, less: int) -> None:
        queued, before = self.waiting, self._before_take
        self.waiting = None if queued is None or before is None else max(0, queued + before - less)

    def _interrupt(self, by: MessageId | None) -> Sequence[Decision]:
        if self.phase not in BEGINNING:
            return ()
        if by is None:
            self._interrupted = True
        else:
            self._interrupted_by = by
        return (InterruptNext(),)

    def _move(self, phase: LanePhase) -> None:
        """Change the phase; an interrupt is meant for the next turn that begins, and is over with the attempt."""
        assert self.phase in _MAY_FOLLOW[phase], f"a lane that is {self.phase} cannot be {phase} next"
        self.phase = phase
        if phase is RUNNING or phase is IDLE:
            self._interrupted, self._interrupted_by = False, None
