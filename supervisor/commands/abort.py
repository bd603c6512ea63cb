"""ABORT: stops the sender's running turns and drops their queued messages."""

from __future__ import annotations

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.words import Command, Word
from supervisor.store.ports.turns import TurnStore
from supervisor.turns.scheduler import TurnScheduler

MAX_QUEUED = 1000
"""Queued messages of one person that ABORT looks for."""


class AbortCommands:
    """Carries out ABORT.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.ABORT})

    def __init__(self, store: TurnStore, turns: TurnScheduler) -> None:
        self._store = store
        self._turns = turns

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Drop the sender's queued messages, stop their running turns, and say how many."""
        user_id = asker.user.id
        stopped, dropped = 0, 0
        running = self._turns.lanes_of(user_id)
        queued = await self._store.waiting(lane=None, user_id=user_id, limit=MAX_QUEUED)
        for lane in dict.fromkeys([*running, *(turn.lane for turn in queued)]):
            dropped += len(await self._turns.cancel_waiting(lane, "dropped by ABORT", of=user_id))
            # A lane that is not among `running` may run a turn of another user, in a shared session.
            stopped += lane in running and await self._turns.interrupt(lane, user_id) is not None
        return CommandAnswer(text=_told(stopped, dropped))


def _told(stopped: int, dropped: int) -> str:
    queued = f"{dropped} queued message{'' if dropped == 1 else 's'}"
    if stopped:
        return f"Stopped, and dropped {queued}." if dropped else "Stopped."
    return f"Dropped {queued}." if dropped else "You have no running turn and no queued message."
