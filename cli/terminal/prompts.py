"""Prompts of one terminal on their way: typed, sent, answered. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from supervisor.protocol.ids import uuid7
from supervisor.protocol.queue import Mode, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedPrompt:
    """A prompt as it is sent.

    Attributes:
        external_id: the daemon deduplicates prompts by it, so a prompt may be sent again on a new connection.
        mode: how the prompt enters the queue; None for the daemon's default.
    """

    external_id: str
    text: str
    mode: Mode | None


class Prompts:
    """Keeps prompts in order: those that wait to be sent, and those that wait for their answer.

    Args:
        interactive: a person types. Their prompts are sent at once and may begin with a mode ("steer: ...").
            The prompts of a script are sent as they stand, each after the answer to the one before.
    """

    def __init__(self, *, interactive: bool) -> None:
        self._interactive = interactive
        self._unsent: deque[TypedPrompt] = deque()
        self._unanswered: dict[str, TypedPrompt] = {}  # by external_id, in the order in which they were sent

    @property
    def unsent(self) -> int:
        """How many prompts wait to be sent."""
        return len(self._unsent)

    @property
    def unanswered(self) -> Sequence[TypedPrompt]:
        """The prompts that wait for their answer, oldest first."""
        return list(self._unanswered.values())

    def add(self, text: str) -> None:
        """Add a line as a prompt; an empty line is none."""
        if text.strip():
            mode, prompt = parse(text) if self._interactive else (None, text)
            self._unsent.append(TypedPrompt(external_id=uuid7(), text=prompt, mode=mode))

    def next(self) -> TypedPrompt | None:
        """Return the next prompt to send, which then waits for its answer; None where there is none to send now."""
        if not self._unsent or (self._unanswered and not self._interactive):
            return None
        prompt = self._unsent.popleft()
        self._unanswered[prompt.external_id] = prompt
        return prompt

    def is_unanswered(self, external_id: str) -> bool:
        """Return whether a prompt of this terminal waits for its answer."""
        return external_id in self._unanswered

    def answered(self, external_id: str) -> TypedPrompt:
        """Note the end of a prompt, good or bad, and return the prompt."""
        return self._unanswered.pop(external_id)
