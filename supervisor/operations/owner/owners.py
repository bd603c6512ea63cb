"""Which node an act belongs to: the one that owns the place of the conversation, as the database has it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import FolderAway
from supervisor.cluster.places import Places
from supervisor.config import Config
from supervisor.people.projects import Projects
from supervisor.protocol.messages import ProjectName
from supervisor.store.ports.cluster.nodes import NodeStore
from supervisor.store.ports.cluster.places import PlaceStore
from supervisor.turns.lanes.places import OF_PROJECT, claim, place_of


class Links(Protocol):
    """The links of this node."""

    @property
    def acts(self) -> Acts:
        """What the other nodes may ask this one for."""
        ...

    async def call(self, node: str, name: str, **given: Any) -> Any:
        """Ask another node for an act.

        Raises:
            NodeUnreachable: it cannot be asked.
            XswarmError: it has refused.
        """
        ...


class Owners:
    """Finds the owner of a place, and asks it; a node that is alone owns every place.

    Args:
        places: of this node.
        store: whose the others are.
    """

    def __init__(self, places: Places, store: PlaceStore, nodes: NodeStore, links: Links, projects: Projects) -> None:
        self._places = places
        self._store = store
        self._nodes = nodes
        self._links = links
        self._projects = projects

    def offer(self, name: str, method: Callable[..., Awaitable[Any]]) -> None:
        """Let the other nodes ask this one for an act, by the names of its arguments."""
        self._links.acts.add(name, method)

    def shared_states(self, config: Config) -> Mapping[str, Path]:
        """Return where the recorded states of projects on all nodes are kept, by folder; none = on each node."""
        if not config.cluster.shared_dir:
            return {}
        shared = Path(config.cluster.shared_dir)
        return {os.path.realpath(one.path): shared for one in config.projects.values() if one.everywhere}

    def is_ours(self, folder: str) -> bool:
        """Return whether this node works in the folder of a project."""
        if not self._places.is_shared:
            return True
        group = next((self._projects.group(one.name) for one in self._projects.every() if one.path == folder), None)
        return group is None or self._places.owns(OF_PROJECT + group)

    async def elsewhere(self, session_id: str, project: str) -> str | None:
        """Return the node that works in the place of a session; None = this one does, or nobody.

        Raises:
            StorageError: it is not known.
        """
        if not self._places.is_shared:
            return None
        place = place_of(self._projects, session_id, project)
        if self._places.owns(place) or (epoch := await self._store.owner(place)) is None:
            return None
        return next((node.name for node in await self._nodes.live() if node.epoch == epoch), None)

    @property
    def are_several(self) -> bool:
        """Whether other nodes may own places."""
        return self._places.is_shared

    async def enter(self, session_id: str, project: str) -> str | None:
        """Return the node that works in the place of a session; None = this one, which claims what nobody owns.

        Raises:
            FolderAway: no node that lives works there, and this one cannot.
            StorageError: it is not known.
        """
        if (node := await self.elsewhere(session_id, project)) is not None or not self._places.is_shared:
            return node
        place = place_of(self._projects, session_id, project)
        if self._places.owns(place) or await claim(self._places, self._projects, place, ProjectName(project)):
            return None
        raise FolderAway(project)

    async def ask(self, node: str, name: str, **given: Any) -> Any:
        """Ask another node for an act; return its result.

        Raises:
            NodeUnreachable: it cannot be asked: the act was not done, or its answer did not come.
            XswarmError: it has refused.
        """
        return await self._links.call(node, name, **given)
