"""The frames of one session that a client can still ask for, by number; Sans-I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence, Set
from dataclasses import dataclass

from supervisor.protocol.values.record import record
from supervisor.wires.chat.codec import encode
from supervisor.wires.chat.frames import Complete, Error, Interrupted, ServerFrame, Token

KEPT_BYTES = 1024 * 1024
"""Most bytes that are kept of a session, with what keeping a frame costs."""

KEPT_SECONDS = 600.0
"""How long frames are kept after the end of their answer, in seconds."""

ENTRY_BYTES = 96
"""What keeping a frame costs besides its own bytes."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A frame as it is sent.

    Attributes:
        seq: its number; the numbers of a session grow.
        data: the encoded frame.
        text: of a `token`, so that a slow client gets several as one; None = it is another frame.
        ends: the messages whose answer it ends.
    """

    seq: int
    data: bytes
    text: str | None = None
    ends: Sequence[str] = ()


def numbered(frame: ServerFrame, seq: int) -> Numbered:
    """Return a frame as it is sent."""
    if isinstance(frame, Token):
        return Numbered(seq, encode(frame, seq), frame.content)
    return Numbered(seq, encode(frame, seq), ends=_ended_by(frame))


def _ended_by(frame: ServerFrame) -> Sequence[str]:
    match frame:
        case Complete(message_ids=ids):
            return ids
        case Interrupted(message_id=str(one)) | Error(message_id=str(one)):
            return (one,)
        case _:
            return ()


@record
class Replay:
    """What a client gets that has come back.

    Attributes:
        frames: in order.
        instead_of: the numbers of frames that it need not get any more: a history among `frames` has what they tell.
    """

    frames: Sequence[Numbered]
    instead_of: Set[int] = frozenset()


class FrameLog:
    """Numbers the frames of a session and keeps the newest.

    Args:
        first: the first number. It is greater than every number that this session has had before.
        most_bytes: how much is kept.
    """

    def __init__(self, first: int, *, most_bytes: int = KEPT_BYTES) -> None:
        self._last = first - 1
        self._floor = first - 1  # every frame above it that was kept is still here
        self._most_bytes = most_bytes
        self._kept: deque[Numbered] = deque()
        self._bytes = 0
        self._ends: deque[tuple[Numbered, float]] = deque()  # each end of an answer, and when it was

    @property
    def last(self) -> int:
        """The number of the newest frame."""
        return self._last

    @property
    def floor(self) -> int:
        """The lowest number after which everything is here."""
        return self._floor

    @property
    def size(self) -> int:
        """What is kept, in bytes."""
        return self._bytes

    def passing(self, frame: ServerFrame) -> Numbered:
        """Number a frame that is not kept: it is for one connection, or soon out of date."""
        self._last += 1
        return numbered(frame, self._last)

    def keep(self, frame: ServerFrame) -> Numbered:
        """Number a frame and keep it."""
        kept = self.passing(frame)
        self._kept.append(kept)
        self._bytes += len(kept.data) + ENTRY_BYTES
        while self._bytes > self._most_bytes:
            self._forget_first()
        return kept

    def answer_ended(self, end: Numbered, now: float) -> None:
        """Note that what was kept so far belongs to answers that have ended.

        Args:
            end: the end of the last one.
            now: monotonic time in seconds.
        """
        self._ends.append((end, now))

    def forget(self, now: float) -> None:
        """Forget the frames of answers that ended `KEPT_SECONDS` ago."""
        while self._ends and self._ends[0][1] + KEPT_SECONDS <= now:
            end, _ = self._ends.popleft()
            while self._kept and self._kept[0].seq <= end.seq:
                self._forget_first()

    def after(self, seq: int) -> list[Numbered] | None:
        """Return the kept frames above a number; None = some are gone, or there is no such number."""
        if not self._floor <= seq <= self._last:
            return None
        return [kept for kept in self._kept if kept.seq > seq]

    def ends(self, seq: int, until: int) -> list[Numbered]:
        """Return the ends of answers above a number and up to another one, also where their frames are gone."""
        return [end for end, _ in self._ends if seq < end.seq <= until]

    def ended_after(self, seq: int) -> set[str]:
        """Return the messages whose ends have numbers above one."""
        return {name for end, _ in self._ends if end.seq > seq for name in end.ends}

    def numbers(self, until: int) -> set[int]:
        """Return the numbers of the kept frames up to one."""
        return {kept.seq for kept in self._kept if kept.seq <= until}

    def _forget_first(self) -> None:
        first = self._kept.popleft()
        self._bytes -= len(first.data) + ENTRY_BYTES
        self._floor = first.seq
