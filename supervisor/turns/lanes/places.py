"""Which lanes this node runs: those whose place it owns, or claims because it has the folder and room."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from supervisor.cluster.places import Places
from supervisor.people.projects import SCRATCH, Projects
from supervisor.protocol.messages import ProjectName
from supervisor.turns.lanes.name import LaneName

if TYPE_CHECKING:  # who asks for the name of a place needs no sessions
    from supervisor.sessions.pool import SessionPool

OF_PROJECT = "project/"
"""Begins the names of the places of projects; any other place has the name of its lane."""


def place_of(projects: Projects, lane: str, project: str) -> str:
    """Return the place of a lane; the lane of a session has the session's id."""
    if not project or project == SCRATCH or LaneName(lane).is_assistant:
        return lane
    group = projects.group(project)
    return lane if group is None else OF_PROJECT + group


async def claim(places: Places, projects: Projects, place: str, project: ProjectName) -> bool:
    """Make a place this node's, whatever room it has; False = another has it, or no folder is here.

    Raises:
        StorageError: it is not known whose it is.
    """
    if place.startswith(OF_PROJECT) and not await asyncio.to_thread(projects.is_here, project):
        return False
    return await places.claim(place)


class LanePlaces:
    """The places of lanes: projects whose folders lie in one another are one place, other lanes are one each."""

    def __init__(self, places: Places, projects: Projects, pool: SessionPool) -> None:
        self._places = places
        self._projects = projects
        self._pool = pool
        self._busy: Counter[str] = Counter()
        self._refused: dict[str, ProjectName] = {}
        self._entering = asyncio.Lock()

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may run lanes."""
        return self._places.is_shared

    def place_of(self, lane: str, project: str) -> str:
        """Return the place of a lane."""
        return place_of(self._projects, lane, project)

    def owns(self, lane: str, project: str) -> bool:
        """Return whether this node owns the place of a lane."""
        return not self._places.is_shared or self._places.owns(self.place_of(lane, project))

    def is_of_another(self, lane: str, project: str) -> bool:
        """Return whether another node owned the place of a lane when it was last looked at."""
        return self._places.is_shared and self._places.is_of_another(self.place_of(lane, project))

    async def enter(self, lane: str, project: ProjectName) -> bool:
        """Begin to work in a lane; False = another node does, or this one has no room or not the folder.

        Raises:
            StorageError: it is not known whose the place is.
        """
        if not self._places.is_shared:
            return True
        place = self.place_of(lane, project)
        if not (self._places.owns(place) or await self._claim(place, lane, project)):
            return False
        self._busy[place] += 1
        return True

    async def claim(self, lane: str, project: ProjectName) -> bool:
        """Make the place of a lane this node's, whatever room it has; False = another has it, or no folder is here.

        Raises:
            StorageError: it is not known whose it is.
        """
        if not self._places.is_shared:
            return True
        return await claim(self._places, self._projects, self.place_of(lane, project), project)

    def leave(self, lane: str, project: ProjectName) -> dict[str, ProjectName]:
        """End the work in a lane; return the lanes for which there may be room now, with their projects."""
        if not self._places.is_shared:
            return {}
        place = self.place_of(lane, project)
        self._busy[place] -= 1
        if not self._busy[place]:
            del self._busy[place]
        refused, self._refused = self._refused, {}
        return refused

    async def look(self) -> None:
        """Look which places are other nodes'; give up those that nothing is left of here.

        Raises:
            StorageError: the store could not be read or written.
        """
        await self._places.look()
        await self._places.release_idle(self._is_needed, left=self._forget_sessions)

    async def _claim(self, place: str, lane: str, project: ProjectName) -> bool:
        if not place.startswith(OF_PROJECT):
            return await self._places.claim(place)
        if not await asyncio.to_thread(self._projects.is_here, project):
            return False
        async with self._entering:  # one by one, so that the room is counted
            if self._is_full(place):
                self._refused[lane] = project
                return False
            return await self._places.claim(place)

    def _is_needed(self, place: str) -> bool:
        """Return whether a turn runs in a place, or a session of it has a process."""
        return place in self._busy or any(
            self.place_of(session.id, session.record.project) == place for session in self._pool.with_process()
        )

    def _is_full(self, place: str) -> bool:
        """Return whether this node works in as many projects as it may have processes."""
        busy = sum(one.startswith(OF_PROJECT) for one in self._busy)
        return place not in self._busy and busy >= self._pool.max_processes

    def _forget_sessions(self, place: str) -> None:
        """Forget the sessions of a place: the next node changes their records."""
        for session in self._pool.in_memory():
            if self.place_of(session.id, session.record.project) == place:
                self._pool.forget(session)
