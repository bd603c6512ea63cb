"""Connect, disconnect and interrupt, at the node that works in the session's folder."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from supervisor.cluster.link.errors import FolderAway, WorksThere
from supervisor.operations.owner.owners import Owners
from supervisor.operations.sessions import SessionOperations
from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.conversation import Tap
from supervisor.protocol.messages import SessionId


class SessionsAtOwner(SessionOperations):
    """`SessionOperations` of a node that may not be the one with the process.

    Args:
        parts: as of `SessionOperations`.
    """

    def __init__(self, owners: Owners, **parts: Any) -> None:
        super().__init__(**parts)
        self._owners = owners
        owners.offer("sessions.connect", self._connect_here)
        owners.offer("sessions.disconnect", super().disconnect)
        owners.offer("sessions.interrupt", super().interrupt)

    async def connect(
        self,
        caller: Caller,
        session_id: SessionId,
        project_path: str,
        user_id: str,
        *,
        model: str | None = None,
        tap: Tap | None = None,
    ) -> events.ClaudeCodeConnected:
        """Create, resume or attach to a session; who wants its lines (`tap`) must ask the node with the process.

        Raises:
            WorksThere: another node works in the folder, and there is a `tap`.
            NodeUnreachable: the node that works in the folder cannot be asked.
        """
        if self._owners.is_alone:  # the path is looked at once, which takes a while
            return await super().connect(caller, session_id, project_path, user_id, model=model, tap=tap)
        project, _ = self._projects.at(self._queries.user(caller, user_id), project_path)
        node = await self._owners.enter(session_id, project.name)
        if node is None:
            async with self._owners.working(session_id, project.name):
                return await super().connect(caller, session_id, project_path, user_id, model=model, tap=tap)
        if tap is not None:
            raise WorksThere(node)
        given = {"session_id": session_id, "project_path": project_path, "user_id": user_id, "model": model}
        found: events.ClaudeCodeConnected = await self._owners.ask(node, "sessions.connect", caller=caller, **given)
        return found

    async def disconnect(self, caller: Caller, session_id: SessionId) -> events.ClaudeCodeDisconnected:
        """End a session on purpose, where its process is.

        Raises:
            NodeUnreachable: the node that works in the folder cannot be asked.
        """
        node = await self._node(caller, session_id, claim=True)
        if node is None:
            return await super().disconnect(caller, session_id)
        found: events.ClaudeCodeDisconnected = await self._owners.ask(
            node, "sessions.disconnect", caller=caller, session_id=session_id
        )
        return found

    async def interrupt(self, caller: Caller, session_id: SessionId) -> events.ClaudeCodeInterrupted:
        """Stop the running turn of a session, where it runs.

        Raises:
            NodeUnreachable: the node that works in the folder cannot be asked.
        """
        node = await self._node(caller, session_id)
        if node is None:
            return await super().interrupt(caller, session_id)
        found: events.ClaudeCodeInterrupted = await self._owners.ask(
            node, "sessions.interrupt", caller=caller, session_id=session_id
        )
        return found

    async def _node(self, caller: Caller, session_id: SessionId, *, claim: bool = False) -> str | None:
        """Return the node that owns the resource of a session; None = this one, or nobody.

        Args:
            claim: nobody else is to begin there meanwhile, as far as this node has the folder.
        """
        session = await self._queries.session(caller, session_id)
        if claim:
            with suppress(FolderAway):  # no node that could begin is there
                return await self._owners.enter(session_id, session.project)
            return None
        return await self._owners.elsewhere(session_id, session.project)

    async def _connect_here(
        self, caller: Caller, session_id: SessionId, project_path: str, user_id: str, model: str | None
    ) -> events.ClaudeCodeConnected:
        project, _ = self._projects.at(self._queries.user(caller, user_id), project_path)
        async with self._owners.working(session_id, project.name):
            return await super().connect(caller, session_id, project_path, user_id, model=model)
