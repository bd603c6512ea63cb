"""Which node an act belongs to: the one that owns the resource of the conversation, as the database has it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import FolderAway, WorksThere
from supervisor.cluster.resources import Resources
from supervisor.config import Config
from supervisor.people.projects import Projects
from supervisor.protocol.messages import ProjectName
from supervisor.store.ports.cluster.nodes import NodeStore
from supervisor.store.ports.cluster.resources import ResourceStore
from supervisor.turns.lanes.resources import OF_PROJECT, claim, resource_of


class Links(Protocol):
    """The links of this node."""

    @property
    def acts(self) -> Acts:
        """What the other nodes may ask this one for."""
        ...

    def linked(self) -> Sequence[str]:
        """Return the nodes that can be asked."""
        ...

    async def call(self, node: str, name: str, **given: Any) -> Any:
        """Ask another node for an act.

        Raises:
            NodeUnreachable: it cannot be asked.
            XswarmError: it has refused.
        """
        ...


class Owners:
    """Finds the owner of a resource, and asks it; a node that is alone owns every resource.

    Args:
        resources: of this node.
        store: says which other node owns a resource.
        name: of this node.
    """

    def __init__(
        self,
        resources: Resources,
        store: ResourceStore,
        nodes: NodeStore,
        links: Links,
        projects: Projects,
        *,
        name: str = "",
    ) -> None:
        self.name = name
        self._resources = resources
        self._store = store
        self._nodes = nodes
        self._links = links
        self._projects = projects

    def offer(self, name: str, method: Callable[..., Awaitable[Any]]) -> None:
        """Let the other nodes ask this one for an act, by the names of its arguments."""
        self._links.acts.add(name, method)

    def linked(self) -> Sequence[str]:
        """Return the names of the other nodes that can be asked."""
        return self._links.linked()

    def shared_states(self, config: Config) -> Mapping[str, Path]:
        """Return where the recorded states of projects on all nodes are kept, by folder; none = on each node."""
        if not config.cluster.shared_dir:
            return {}
        shared = Path(config.cluster.shared_dir)
        return {os.path.realpath(one.path): shared for one in config.projects.values() if one.everywhere}

    @property
    def is_alone(self) -> bool:
        """Whether there are no other nodes."""
        return not self._resources.is_shared

    def is_ours(self, folder: str) -> bool:
        """Return whether this node works in the folder of a project."""
        if not self._resources.is_shared:
            return True
        group = next((self._projects.group(one.name) for one in self._projects.every() if one.path == folder), None)
        return group is None or self._resources.owns(OF_PROJECT + group)

    async def elsewhere(self, session_id: str, project: str) -> str | None:
        """Return the node that owns the resource of a session; None = this one does, or nobody.

        Raises:
            StorageError: it is not known.
        """
        if not self._resources.is_shared:
            return None
        resource = resource_of(self._projects, session_id, project)
        if self._resources.owns(resource) or (epoch := await self._store.owner(resource)) is None:
            return None
        return next((node.name for node in await self._nodes.live() if node.epoch == epoch), None)

    async def enter(self, session_id: str, project: str) -> str | None:
        """Return the node that an act on the resource of a session belongs to; None = this one, which owns it now.

        Where nobody owns it and this node does not have the project's folder, it is another node that may have it.

        Raises:
            FolderAway: no such node lives.
            StorageError: it is not known.
        """
        if (node := await self.elsewhere(session_id, project)) is not None or not self._resources.is_shared:
            return node
        if await self._claim(session_id, project):
            return None
        node = await self.elsewhere(session_id, project) or await self._with_folder(ProjectName(project))
        if node is None:
            raise FolderAway(project)
        return node

    @asynccontextmanager
    async def working(self, session_id: str, project: str) -> AsyncIterator[None]:
        """Claim the resource of a session and keep it during a `with` block, for an act of this node or of another one.

        Raises:
            WorksThere: another node works there.
            FolderAway: this node has not the folder.
            StorageError: it is not known.
        """
        if not self._resources.is_shared:
            yield
            return
        if not await self._claim(session_id, project):
            if (node := await self.elsewhere(session_id, project)) is not None:
                raise WorksThere(node)
            raise FolderAway(project)
        with self._resources.held(resource_of(self._projects, session_id, project)):
            yield

    async def ask(self, node: str, name: str, **given: Any) -> Any:
        """Ask another node for an act; return its result.

        Raises:
            NodeUnreachable: it cannot be asked: the act was not done, or its answer did not come.
            XswarmError: it has refused.
        """
        return await self._links.call(node, name, **given)

    async def _claim(self, session_id: str, project: str) -> bool:
        resource = resource_of(self._projects, session_id, project)
        return self._resources.owns(resource) or await claim(
            self._resources, self._projects, resource, ProjectName(project)
        )

    async def _with_folder(self, project: ProjectName) -> str | None:
        """Return another node that has the folder of a project, else one that may, and takes new work; None = none."""
        others = [node for node in await self._nodes.live() if node.name != self.name and not node.draining]
        have = [node for node in others if project in (node.projects or ())]
        may = [
            node
            for node in others
            if node.projects is None and self._projects.may_be_at(project, (node.name, *node.labels))
        ]
        return next((node.name for node in [*have, *may]), None)
