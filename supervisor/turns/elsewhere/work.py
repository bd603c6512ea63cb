"""Turns that were accepted at another node, and that this one may run."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.protocol.messages import ProjectName
from supervisor.turns.lanes.resources import LaneResources
from supervisor.turns.scheduler import TurnScheduler


class Work:
    """Lets the lanes of this node take turns that were accepted at another one."""

    def __init__(self, turns: TurnScheduler, resources: LaneResources) -> None:
        self._turns = turns
        self._resources = resources

    async def look(self, notices: Collection[str] | None) -> None:
        """Look at the lanes that notices name; None = at all.

        Raises:
            StorageError: the store could not be read.
        """
        if notices is None:
            await self._resources.look()
            await self._turns.sweep()
            return
        for notice in notices:
            project, _, lane = notice.partition(" ")
            self._turns.heard(lane, ProjectName(project))
