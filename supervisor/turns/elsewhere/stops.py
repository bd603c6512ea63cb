"""Stops across nodes: a person or program stops a turn at any node, and the node on which it runs ends it."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.store.ports.cluster.elsewhere import ElsewhereStore
from supervisor.turns.scheduler import TurnScheduler


class Stops:
    """Ends the turns of this node that were stopped at another one."""

    def __init__(self, turns: TurnScheduler, elsewhere: ElsewhereStore) -> None:
        self._turns = turns
        self._elsewhere = elsewhere

    async def look(self, lanes: Collection[str] | None) -> None:
        """Look whether the running turns of some lanes were stopped; None = of all lanes.

        Raises:
            StorageError: the store could not be read.
        """
        running = {
            one.turn.id: one.turn.lane
            for one in self._turns.running_turns()
            if not one.stopping and not one.ended.done() and (lanes is None or one.turn.lane in lanes)
        }
        for turn_id, by in (await self._elsewhere.stopped(running)).items():
            turn = self._turns.running(running[turn_id])
            if turn is not None and turn.turn.id == turn_id:
                await self._turns.interrupt(running[turn_id], by)
