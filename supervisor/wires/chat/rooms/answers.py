"""The order of the answers of one session; Sans-I/O.

Per message exactly one end goes out, as the last frame of its answer, and nothing of an older answer after it. Frames
of another answer than the one that goes out are held back until that one has ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from supervisor.wires.chat.frames import End, ServerFrame, Token

REMEMBERED = 1_000
"""Ended messages that are remembered, so that nothing of theirs goes out any more."""

Out = list[ServerFrame]
"""Frames in the order in which they go out."""


@dataclass(slots=True)
class _Answer:
    """The answer to a message.

    Attributes:
        spoke: whether text of it went out or is held back.
        held: frames that wait until another answer has ended.
        also: messages that ended with it.
        end: its end, held back too; None = it has not ended.
    """

    spoke: bool = False
    held: Out = field(default_factory=list)
    also: Sequence[str] = ()
    end: End | None = None


class Answers:
    """Takes what happens to the messages of a session, in any order; returns what goes out."""

    def __init__(self) -> None:
        self._open: dict[str, _Answer] = {}  # in the order of acceptance
        self._current: str | None = None
        self._ended: deque[str] = deque()
        self._remembered: set[str] = set()

    @property
    def current(self) -> str | None:
        """The message whose answer goes out; None = none has begun."""
        return self._current

    @property
    def next_to_end(self) -> str | None:
        """The message whose answer goes out, or would go out next; None = every message has ended."""
        return self._current or next((name for name, answer in self._open.items() if answer.end is None), None)

    @property
    def running(self) -> bool:
        """Whether a message has no end yet."""
        return bool(self._open)

    def knows(self, message_id: str) -> bool:
        """Return whether a message was accepted here, or has ended a while ago."""
        return message_id in self._open or message_id in self._remembered

    def is_open(self, message_id: str) -> bool:
        """Return whether a message was accepted and has no end yet."""
        answer = self._open.get(message_id)
        return answer is not None and answer.end is None

    def has_ended(self, message_id: str) -> bool:
        """Return whether the end of a message went out."""
        return message_id in self._remembered

    def spoke(self, message_id: str) -> bool:
        """Return whether text of an answer went out, or is about to."""
        return message_id in self._open and self._open[message_id].spoke

    def accepted(self, message_id: str) -> None:
        """Note a message whose answer follows; a second time changes nothing."""
        if not self.knows(message_id):
            self._open[message_id] = _Answer()

    def produced(self, message_id: str, frame: ServerFrame) -> Out:
        """Take a frame of an answer; after the answer's end it is dropped."""
        answer = self._open.get(message_id)
        if answer is None or answer.end is not None:
            return []
        answer.spoke = answer.spoke or isinstance(frame, Token)
        if self._current is None:
            self._current = message_id
        if self._current == message_id:
            return [frame]
        answer.held.append(frame)
        return []

    def ended(self, message_id: str, end: End, also: Iterable[str] = ()) -> Out:
        """Take the end of an answer; a second end of the same message is dropped.

        Args:
            also: messages that the same answer covers; they get no end of their own.
        """
        answer = self._open.get(message_id)
        if answer is None or answer.end is not None:
            return []
        answer.end, answer.also = end, tuple(also)
        if self._current not in (None, message_id, *answer.also):
            return []
        return self._close(message_id)

    def _close(self, message_id: str | None) -> Out:
        """Send the end of an answer, then what was held back meanwhile, up to the first answer that has not ended."""
        out: Out = []
        while message_id is not None:
            answer = self._open.pop(message_id)
            assert answer.end is not None, "only an answer that has ended is closed"
            out += [*answer.held, answer.end]
            self._remember(message_id)
            for other in answer.also:
                self._open.pop(other, None)
                self._remember(other)
            message_id = self._advance(out)
        return out

    def _advance(self, out: Out) -> str | None:
        """Let the next answer go out; return its message if it has ended already."""
        begun = [name for name, answer in self._open.items() if answer.held or answer.end is not None]
        self._current = None
        for name in begun:
            answer = self._open[name]
            if answer.end is not None:
                return name
            self._current = name
            out += answer.held
            answer.held = []
            return None
        return None

    def _remember(self, message_id: str) -> None:
        if message_id not in self._remembered:
            self._remembered.add(message_id)
            self._ended.append(message_id)
            if len(self._ended) > REMEMBERED:
                self._remembered.discard(self._ended.popleft())
