"""Says what this node has: projects and addresses. Tells people whose messages wait for a project that no node has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from supervisor.cluster.cluster import Cluster
from supervisor.delivery.hub import Hub, chat_topics
from supervisor.delivery.replies import quote, reply_id
from supervisor.people.projects import SCRATCH, Projects
from supervisor.protocol.errors import StorageError
from supervisor.protocol.events import ChatNotice
from supervisor.protocol.messages import PLAIN_CHANNELS, in_a_sentence
from supervisor.protocol.times import Clock, now_ms
from supervisor.runtime.logs import Outage
from supervisor.runtime.peers.proc import Unknowable
from supervisor.runtime.peers.sockets import own_addresses
from supervisor.sentences import turns as say
from supervisor.store.ports.cluster.nodes import LONG_WAIT_MS, NodeStore, served_by
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""Pause between two looks, in seconds."""

NO_NODE = 5
"""Number of the notice among the replies to a message, for `reply_id`: it is sent once, whichever node sends it."""

MOST_TOLD = 50
"""Most messages of a lane that are looked at: each person is told about the first of theirs."""


class Unserved:
    """Looks now and then. The node that joined first tells people, so that a chat is told once, too.

    Args:
        cluster: the nodes that live; somebody else looks who does.
        wait_ms: how long a message waits, and no node has its project, until its sender is told.
        seconds: see `LOOK_SECONDS`.
    """

    def __init__(
        self,
        nodes: NodeStore,
        turns: TurnStore,
        outbox: OutboxStore,
        cluster: Cluster,
        projects: Projects,
        hub: Hub,
        *,
        wait_ms: int = LONG_WAIT_MS,
        seconds: float = LOOK_SECONDS,
        clock: Clock = now_ms,
    ) -> None:
        self._nodes = nodes
        self._turns = turns
        self._outbox = outbox
        self._cluster = cluster
        self._projects = projects
        self._hub = hub
        self._wait_ms = wait_ms
        self._seconds = seconds
        self._clock = clock
        self._said: tuple[Collection[str], Collection[str]] | None = None
        self._told: set[int] = set()
        self._since_ms: int | None = None
        self._served_ms: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="projects without a node")

    async def aclose(self) -> None:
        """Stop to look; without effect where it was not started."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Say what this node has, if that has changed; tell who waits for what no node has.

        Raises:
            StorageError: the store could not be read or written; the next look does it again.
        """
        here = await asyncio.to_thread(lambda: (self._projects.here(), own_addresses()))
        if here != self._said:
            await self._nodes.tell(*here)
            self._said = here
        live = self._cluster.live
        served = served_by(live)
        self._note_served(served)
        if served is None or not live or live[0].epoch != self._cluster.epoch:
            return
        waiting: set[int] = set()
        for lane, project in await self._turns.waiting_lanes():
            if project and project != SCRATCH and project not in served and self._is_long_gone(project):
                waiting |= await self._tell(lane)
        self._told &= waiting

    def _note_served(self, served: Collection[str] | None) -> None:
        """Note which projects some node has now; None = perhaps all. Each node does: each may be the next to tell."""
        now = self._clock()
        if served is None or self._since_ms is None:
            self._since_ms = now
        self._served_ms |= dict.fromkeys(served or (), now)

    def _is_long_gone(self, project: str) -> bool:
        """Return whether no look of the last `wait_ms` has found a node with a project: one may be starting again."""
        since = max(self._since_ms or 0, self._served_ms.get(project, 0))
        return since <= self._clock() - self._wait_ms

    async def _tell(self, lane: str) -> set[int]:
        """Tell each person about the first of their messages in a lane, once it waits for long; return these turns."""
        first: dict[str, Turn] = {}
        for turn in await self._turns.waiting(lane=lane, user_id=None, limit=MOST_TOLD):
            first.setdefault(turn.user_id, turn)
        late = [turn for turn in first.values() if turn.accepted_ms <= self._clock() - self._wait_ms]
        for turn in late:
            if turn.id not in self._told:
                logger.warning("%s: no node that has the project %s is running", turn.message_id, turn.project)
                await self._notify(turn)
                self._told.add(turn.id)
        return {turn.id for turn in late}

    async def _notify(self, turn: Turn) -> None:
        text = say.NO_NODE(project=turn.project, quoted=quote(turn.text))
        if turn.reply is not None and turn.reply.channel in PLAIN_CHANNELS:
            draft = OutboxDraft(id=reply_id(turn.message_id, NO_NODE), reply=in_a_sentence(turn.reply), text=text)
            await self._outbox.add(draft, user_id=turn.user_id, now_ms=self._clock())
        for topic in chat_topics(turn):
            self._hub.publish(ChatNotice(session_id=topic.partition(":")[2], message=text), (topic,))

    async def _run(self) -> None:
        outage = Outage(logger, logging.WARNING)
        while True:
            try:
                await self.look()
                outage.works("projects without a node are looked for again")
            except (StorageError, Unknowable) as error:
                outage.failed("projects without a node cannot be looked for: %s", error)
            except Exception:
                logger.exception("projects without a node could not be looked for")
            await asyncio.sleep(self._seconds)
