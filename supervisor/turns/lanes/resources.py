"""Which lanes this node runs: those whose resource it owns, or claims because it has the folder and room."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from supervisor.cluster.resources import Resources
from supervisor.people.projects import SCRATCH, Projects
from supervisor.protocol.messages import ProjectName
from supervisor.turns.lanes.name import LaneName

if TYPE_CHECKING:  # who asks for the name of a resource needs no sessions
    from supervisor.sessions.pool import SessionPool

OF_PROJECT = "project/"
"""Begins the names of the resources of projects; any other resource has the name of its lane."""


def resource_of(projects: Projects, lane: str, project: str) -> str:
    """Return the resource of a lane; the lane of a session has the session's id."""
    if not project or project == SCRATCH or LaneName(lane).is_assistant:
        return lane
    group = projects.group(project)
    return lane if group is None else OF_PROJECT + group


async def claim(resources: Resources, projects: Projects, resource: str, project: ProjectName) -> bool:
    """Claim a resource, whatever room this node has; False = another one owns it, or no folder is here.

    Raises:
        StorageError: it is not known who owns it.
    """
    if resource.startswith(OF_PROJECT) and not await asyncio.to_thread(projects.is_here, project):
        return False
    return await resources.claim(resource)


class LaneResources:
    """The resources of lanes: projects whose folders lie in one another are one resource, other lanes are one each."""

    def __init__(self, resources: Resources, projects: Projects, pool: SessionPool) -> None:
        self._resources = resources
        self._projects = projects
        self._pool = pool
        self._busy: Counter[str] = Counter()
        self._refused: dict[str, ProjectName] = {}
        self._entering = asyncio.Lock()

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may run lanes."""
        return self._resources.is_shared

    def resource_of(self, lane: str, project: str) -> str:
        """Return the resource of a lane."""
        return resource_of(self._projects, lane, project)

    def owns(self, lane: str, project: str) -> bool:
        """Return whether this node owns the resource of a lane."""
        return not self._resources.is_shared or self._resources.owns(self.resource_of(lane, project))

    def is_of_another(self, lane: str, project: str) -> bool:
        """Return whether another node owned the resource of a lane when it was last looked at."""
        return self._resources.is_shared and self._resources.is_of_another(self.resource_of(lane, project))

    async def enter(self, lane: str, project: ProjectName) -> bool:
        """Begin to work in a lane; False = another node does, or this one has no room or not the folder.

        Raises:
            StorageError: it is not known who owns the resource.
        """
        if not self._resources.is_shared:
            return True
        resource = self.resource_of(lane, project)
        if not (self._resources.owns(resource) or await self._claim(resource, lane, project)):
            return False
        self._busy[resource] += 1
        return True

    async def claim(self, lane: str, project: ProjectName) -> bool:
        """Claim the resource of a lane, whatever room this node has; False = another one owns it, or no folder is here.

        Raises:
            StorageError: it is not known who owns it.
        """
        if not self._resources.is_shared:
            return True
        return await claim(self._resources, self._projects, self.resource_of(lane, project), project)

    def leave(self, lane: str, project: ProjectName) -> dict[str, ProjectName]:
        """End the work in a lane; return the lanes for which there may be room now, with their projects."""
        if not self._resources.is_shared:
            return {}
        resource = self.resource_of(lane, project)
        self._busy[resource] -= 1
        if not self._busy[resource]:
            del self._busy[resource]
        refused, self._refused = self._refused, {}
        return refused

    async def look(self) -> None:
        """Look which resources other nodes own; release those that nothing is left of here.

        Raises:
            StorageError: the store could not be read or written.
        """
        await self._resources.look()
        await self._resources.release_idle(self._is_needed, left=self._forget_sessions)

    async def _claim(self, resource: str, lane: str, project: ProjectName) -> bool:
        if not resource.startswith(OF_PROJECT):
            return await self._resources.claim(resource)
        if not await asyncio.to_thread(self._projects.is_here, project):
            return False
        async with self._entering:  # one by one, so that the room is counted
            if self._is_full(resource):
                self._refused[lane] = project
                return False
            return await self._resources.claim(resource)

    def _is_needed(self, resource: str) -> bool:
        """Return whether a turn runs on a resource, or a session of it has a process."""
        return resource in self._busy or any(
            self.resource_of(session.id, session.record.project) == resource for session in self._pool.with_process()
        )

    def _is_full(self, resource: str) -> bool:
        """Return whether this node works in as many projects as it may have processes."""
        busy = sum(one.startswith(OF_PROJECT) for one in self._busy)
        return resource not in self._busy and busy >= self._pool.max_processes

    def _forget_sessions(self, resource: str) -> None:
        """Forget the sessions of a resource: the next node changes their records."""
        for session in self._pool.in_memory():
            if self.resource_of(session.id, session.record.project) == resource:
                self._pool.forget(session)
