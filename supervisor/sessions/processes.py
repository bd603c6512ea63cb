"""The processes of sessions: started with a way to a model and the history, read to their end, closed."""

from __future__ import annotations

import asyncio
import logging
import time

from supervisor.models.gateway.gateway import Gateway
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports.connector import Connector, Conversation
from supervisor.runtime.fair_queue import FairQueue
from supervisor.sessions.live import LiveSession
from supervisor.store.ports.turns import TurnStore
from supervisor.tools.claude_code.gateway import ToolGateway

logger = logging.getLogger(__name__)

HISTORY_EXCHANGES = 20
"""Number of exchanges of our own history for a connector that has lost the conversation."""


class SessionProcesses:
    """Starts, reads and closes the processes behind sessions.

    Args:
        gateway: the way to a model; None = the connector needs none.
        queue: waits for free processes; woken whenever one is closed.
        turn_timeout: seconds that one turn may take.
        tools: the way to tool servers; None = there are none.
    """

    def __init__(
        self,
        *,
        connector: Connector,
        gateway: Gateway | None,
        store: TurnStore,
        queue: FairQueue,
        turn_timeout: float,
        tools: ToolGateway | None = None,
    ) -> None:
        self._connector = connector
        self._gateway = gateway
        self._store = store
        self._queue = queue
        self._turn_timeout = turn_timeout
        self._tools = tools
        self._open: set[Conversation] = set()
        self._frozen_since: float | None = None
        self._stood = 0.0

    def stood(self) -> float:
        """Return for how many seconds all processes were stopped so far, all times together."""
        since = self._frozen_since
        return self._stood if since is None else self._stood + time.monotonic() - since

    async def freeze(self) -> bool:
        """Stop all processes until `thaw`, also those that are started meanwhile; return whether none runs any more."""
        if self._frozen_since is None:
            self._frozen_since = time.monotonic()
        return all(await asyncio.gather(*(conversation.freeze() for conversation in self._open)))

    async def thaw(self) -> None:
        """Let all processes go on."""
        self._stood, self._frozen_since = self.stood(), None
        await asyncio.gather(*(conversation.thaw() for conversation in self._open))

    async def start(self, session: LiveSession) -> Conversation:
        """Start the process of a session, or resume its conversation.

        Raises:
            ConnectionFailed: the process did not start.
            StorageError: the history could not be read.
        """
        history: list[talk.Exchange] = []
        if session.prompted:
            pairs = await self._store.exchanges(session.id, limit=HISTORY_EXCHANGES)
            history = [talk.Exchange(prompt=one.prompt, answer=one.answer) for one in pairs]
            session.cut_off = await self._store.was_cut_off(session.id)
        if self._gateway is not None:
            session.endpoint = self._gateway.issue(session.id, session.meter)
        try:
            if self._tools is not None:
                session.decisions.tools = await self._tools.issue(session.id, session.record.user_id, session.user)
            conversation = await self._connector.open(session.spec(self._turn_timeout), history)
        except (ConnectionFailed, asyncio.CancelledError):
            self._revoke(session)
            raise
        except Exception as error:
            logger.exception("%s: the connector broke", session.id)
            self._revoke(session)
            raise ConnectionFailed("an internal error; the details are in the log") from error
        self._open.add(conversation)
        if self._frozen_since is not None:  # before it gets a prompt
            await conversation.freeze()
            if self._frozen_since is None:  # `thaw` came while it was being stopped
                await conversation.thaw()
        return conversation

    async def read(self, session: LiveSession, conversation: Conversation) -> str | None:
        """Pass every event of a conversation to the running turn, until the process ends.

        Returns:
            Why the process ended by itself, empty where it did not say; None = it was closed on request.
        """
        why = "the connection ended unexpectedly"
        try:
            async for event in conversation.events():
                if isinstance(event, talk.Exited):
                    why = event.why
                else:
                    session.hear(event)
        except Exception:
            logger.exception("%s: reading the conversation failed", session.id)
            why = "reading the conversation failed"
        if session.conversation is not conversation:
            return None
        await conversation.close()
        self._open.discard(conversation)
        session.conversation = None
        self._revoke(session)
        session.hear(talk.Exited(why=why))
        logger.warning("%s: the process has ended: %s", session.id, why or "no reason given")
        return why

    async def close(self, session: LiveSession) -> None:
        """Close the process of a session, where it has one; its running turn ends."""
        conversation, session.conversation = session.conversation, None
        if conversation is not None:
            await conversation.close()
            self._open.discard(conversation)
        if session.pump is not None:
            await session.pump
            session.pump = None
        session.hear(talk.Exited(why="the session was closed"))
        self._revoke(session)
        self._queue.wake_next()

    async def trace(self, home: str, conversation_id: str, key: MessageId) -> talk.Trace:
        """Return how far a prompt got whose process died with an earlier daemon.

        Args:
            home: the connector's own folder for the session.
            key: the idempotency key of the prompt.
        """
        return await self._connector.trace(home, conversation_id, key)

    def _revoke(self, session: LiveSession) -> None:
        if session.endpoint is not None and self._gateway is not None:
            self._gateway.revoke(session.endpoint.token)
            session.endpoint = None
        if (tools := session.decisions.tools) is not None and self._tools is not None:
            self._tools.revoke(tools)
            session.decisions.tools = None
