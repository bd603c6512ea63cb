"""ABORT: stops the sender's running turns and drops their queued messages."""

from __future__ import annotations

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences import commands as say
from supervisor.sentences import turns
from supervisor.store.ports.cluster.elsewhere import ElsewhereStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.turn import Turn
from supervisor.turns.scheduler import TurnScheduler

MAX_QUEUED = 1000
"""Queued messages of one person that ABORT looks for."""


class AbortCommands:
    """Carries out ABORT.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.ABORT})

    def __init__(
        self, store: TurnStore, elsewhere: ElsewhereStore, turns: TurnScheduler, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._elsewhere = elsewhere
        self._turns = turns
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Drop the sender's queued messages, stop their running turns, and say how many.

        A turn whose reply goes to the sender anyway says it there: one ABORT has one answer.
        """
        user_id = asker.user.id
        stopped, dropped, told = 0, 0, 0
        told_dropped = 0
        running = self._turns.lanes_of(user_id)
        queued = await self._store.waiting(lane=None, user_id=user_id, limit=MAX_QUEUED)
        for lane in dict.fromkeys([*running, *(turn.lane for turn in queued)]):
            count = len(await self._turns.cancel_waiting(lane, say.DROPPED_BY_ABORT(), of=user_id))
            turn = self._turns.running(lane) if lane in running else None
            # A lane that is not among `running` may run a turn of another user, in a shared session.
            if turn is not None and not turn.ended.done() and _replies_to(turn.turn, asker):
                turn.dropped += count
                await self._turns.interrupt(lane, user_id)
                told, told_dropped = told + 1, told_dropped + count
            else:
                dropped += count
                stopped += lane in running and await self._turns.interrupt(lane, user_id) is not None
        for turn_ in await self._elsewhere.running(user_id):
            if await self._elsewhere.stop(turn_.lane, user_id, now_ms=self._clock()) is None:
                continue
            if _replies_to(turn_, asker):
                told += 1
            else:
                stopped += 1
        if told and not (stopped or dropped):
            return CommandAnswer(text=_told(told, told_dropped), silent=True)
        return CommandAnswer(text=_told(stopped, dropped))


def _replies_to(turn: Turn, asker: Asker) -> bool:
    """Return whether the reply of a turn goes where the answer of the command goes."""
    reply = turn.reply
    return reply is not None and (reply.channel, reply.to) == (asker.channel, asker.sender)


def _told(stopped: int, dropped: int) -> str:
    if stopped:
        return turns.STOPPED_AND_DROPPED(count=dropped) if dropped else turns.STOPPED()
    return turns.DROPPED_BEHIND(count=dropped) if dropped else say.NOTHING_RUNS()
