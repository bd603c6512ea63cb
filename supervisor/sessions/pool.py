"""The sessions' processes: open, resume, evict, close; one process per session at any time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from supervisor.approvals.asking import Approvals
from supervisor.delivery.hub import Hub
from supervisor.delivery.views import session_ended, session_updated
from supervisor.models.gateway.gateway import Gateway
from supervisor.people.projects import Project
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import ConnectionFailed, StorageError
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.ports import Connector, Conversation
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.protocol.times import Clock, now_ms
from supervisor.runtime.cancellation import uncut
from supervisor.runtime.fair_queue import FairQueue
from supervisor.sessions.lifecycle import (
    CloseAsked,
    CloseProcess,
    Effect,
    Opened,
    OpenFailed,
    Opening,
    ProcessExited,
    Record,
    TurnBegan,
    TurnEnded,
    WentQuiet,
)
from supervisor.sessions.live import Claim, LiveSession, TurnInProcess, home_of
from supervisor.spending.spending import Spending
from supervisor.store.port import Store
from supervisor.store.records.session import Session
from supervisor.undo.recorder import Recorder

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
"""Seconds without a turn after which an active session is called idle (protocol.md section 1)."""

FORGET_SECONDS = 3600.0
"""Seconds after which a session without a process leaves memory, and with it the count of its failures."""

PARALLEL_CLOSES = 32
"""Idle processes that are being ended at the same time."""

HISTORY_EXCHANGES = 20
"""How much of our own history a connector gets that has lost its own."""


class SessionPool:
    """All sessions with a process, and the way to give one to the others.

    Args:
        connector: what answers.
        recording: of a project's folder, before the first call of a turn that may change it.
        gateway: the way to a model; None = the connector needs none.
        state_dir: under it each session has a folder of its own.
        max_processes: the least recently used idle one gives way.
    """

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        connector: Connector,
        gateway: Gateway | None,
        approvals: Approvals,
        recorder: Recorder,
        spending: Spending,
        processes: FairQueue,
        state_dir: Path,
        max_processes: int,
        turn_timeout: float,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._hub = hub
        self._connector = connector
        self._gateway = gateway
        self._approvals = approvals
        self._recorder = recorder
        self._state_dir = state_dir
        self._max_processes = max_processes
        self._turn_timeout = turn_timeout
        self._spending = spending
        self._clock = clock
        self._live: dict[SessionId, LiveSession] = {}
        self._starting = 0  # processes that are being started: they count before they are there
        self._processes = processes
        self._accepting = True

    def live(self, session_id: SessionId) -> LiveSession | None:
        """Return a session that is in memory."""
        return self._live.get(session_id)

    def take(self, session: Session, project: Project) -> LiveSession:
        """Return a session in memory, taking its record in where it is new here."""
        live = self._live.get(session.id)
        if live is None:
            meter = self._spending.meter(session.id, session.user_id, session.id)
            live = LiveSession(session, project, meter, self._state_dir)
            self._live[session.id] = live
        return live

    def live_count(self) -> int:
        """Return how many sessions are neither disconnected nor in error; all such are in memory."""
        return sum(live.lifecycle.status.live for live in self._live.values())

    def has_live(self, count: int) -> bool:
        """Return whether there are so many of them, or more; who asks often need not count them every time."""
        return len(self._live) >= count and self.live_count() >= count

    def live_count_of(self, user_id: str) -> int:
        """Return the same for one user."""
        return sum(v.lifecycle.status.live for v in self._live.values() if v.session.user_id == user_id)

    def process_count(self) -> int:
        """Return how many conversations are open."""
        return sum(live.conversation is not None for live in self._live.values())

    async def open(self, live: LiveSession, *, patience: float | None = None) -> Conversation:
        """Return the session's conversation, starting or resuming it where there is none.

        Args:
            patience: seconds to wait for a free process, for a person who connects it; None = as long as it takes.

        Raises:
            ConnectionFailed: it did not start.
            StorageError: its status could not be recorded.
        """
        if live.conversation is not None and self._accepting and not live.lock.locked():
            return live.conversation
        while True:
            try:
                async with asyncio.timeout(patience):
                    await self._make_room(live)
            except TimeoutError:
                raise ConnectionFailed("every process is busy", "try again later, or raise max_processes") from None
            async with live.lock:
                if live.conversation is not None:
                    return live.conversation
                if patience is None and not live.lifecycle.resumes_by_itself:
                    raise ConnectionFailed("the session was closed meanwhile")
                if not self._is_full():
                    return await self._open(live)

    async def _open(self, live: LiveSession) -> Conversation:
        self._starting += 1
        try:
            await self._apply(live, live.lifecycle.on(Opening()))
            conversation = await self._start(live)
        except ConnectionFailed as error:
            await self._apply(live, live.lifecycle.on(OpenFailed(error.why)))
            raise
        except asyncio.CancelledError:  # nothing has failed: it counts as closed
            await asyncio.shield(self._apply(live, live.lifecycle.on(CloseAsked(EndReason.CONNECTION))))
            raise
        finally:
            self._starting -= 1
            self._processes.wake_next()
        live.conversation = conversation
        live.used = time.monotonic()
        live.pump = asyncio.create_task(self._pump(live, conversation), name=f"pump {live.session.id}")
        await self._apply(live, live.lifecycle.on(Opened()))
        return conversation

    def claim(self, live: LiveSession) -> Claim:
        """Keep a session's process from being reaped or evicted, as long as a `with` block lasts."""
        return Claim(live, self._processes.wake_next)

    async def trace(self, session: Session, key: MessageId) -> talk.Trace:
        """Return how far a prompt had come whose process died with an earlier daemon."""
        return await self._connector.trace(home_of(self._state_dir, session), session.conversation_id, key)

    async def began(self, live: LiveSession, running: TurnInProcess) -> None:
        """Note that a turn begins: it gets what is heard, and what its tools may change is recorded with it."""
        live.prompted = True
        live.sink = running.on_event
        live.ask_person = partial(self._approvals.decide, session=live.session, running=running)
        live.guarded = self._approvals.guarded(running.turn.channel)
        live.witness = partial(self._recorder.witness, running.turn.id, live.project.path)
        live.outdate = partial(self._approvals.outdate, live.session.id)
        live.denied = []
        live.resumed.set()
        try:
            await self._apply(live, live.lifecycle.on(TurnBegan()))
        except StorageError as error:
            logger.error("%s: its status could not be recorded: %s", live.session.id, error)

    def ended(self, live: LiveSession, *, well: bool) -> None:
        """Note that a turn ended, and that none follows it in its process."""
        live.resumed.set()
        live.sink = None
        live.witness = None
        live.ask_person = None
        self._approvals.turn_ended(live.session.id)
        live.lifecycle.on(TurnEnded(well))

    @uncut  # else another process might start beside the one that ends
    async def close(self, session_id: SessionId, reason: EndReason) -> bool:
        """Close a session's process, or end the session where it has none; False = it is not in memory."""
        live = self._live.get(session_id)
        if live is None:
            return False
        async with live.lock:
            try:
                await self._apply(live, live.lifecycle.on(CloseAsked(reason)))
            except StorageError:
                await self._close_process(live)  # a store that refuses keeps no process alive
                raise
            if live.conversation is None:
                await self._close_process(live)  # a turn whose question waits without a process ends too
        self._forget(live)
        return True

    async def close_all(self, reason: EndReason) -> None:
        """Close every process at once; nothing starts any more."""
        self._accepting = False
        self._processes.wake_all()
        ids = list(self._live)
        ends = await asyncio.gather(*(self.close(session_id, reason) for session_id in ids), return_exceptions=True)
        for session_id, end in zip(ids, ends, strict=True):
            if isinstance(end, BaseException):  # the others are closed all the same
                logger.error("%s: it could not be closed: %s", session_id, end)

    def idle(self, *, longer_than: float) -> list[SessionId]:
        """Return the sessions with a process and without a turn for more than some seconds, longest first."""
        now = time.monotonic()
        idle = [v for v in self._live.values() if v.conversation and v.reapable and now - v.used > longer_than]
        return [live.session.id for live in sorted(idle, key=lambda live: live.used)]

    def forget_unused(self) -> None:
        """Drop from memory the sessions that failed long ago; they are kept for their count of failures."""
        now = time.monotonic()
        for live in [live for live in self._live.values() if now - live.used > FORGET_SECONDS]:
            self._forget(live)

    async def note_quiet(self) -> None:
        """Call the active sessions that have had no turn for a minute idle, in one transaction."""
        quiet = [self._live[i] for i in self.idle(longer_than=QUIET_SECONDS)]
        moved = [live for live in quiet if live.lifecycle.on(WentQuiet())]
        if moved:
            ids = [live.session.id for live in moved]
            await self._store.sessions.set_status_many(ids, SessionStatus.IDLE, now_ms=self._clock())
            for live in moved:
                await self._announce(live)

    @uncut
    async def close_idle(self, session_ids: Sequence[SessionId], reason: EndReason) -> int:
        """Close those of some sessions that are still without a turn, with one write for all; returns how many."""
        lives = [live for i in session_ids if (live := self._live.get(i)) and live.reapable]
        for live in lives:
            await live.lock.acquire()  # free, so this does not wait; whoever wants the session now waits in `open`
            live.lifecycle.on(CloseAsked(reason))
        try:
            await self._close_processes(lives)
            ids, gone = [live.session.id for live in lives], SessionStatus.DISCONNECTED
            if ids:
                await self._store.sessions.set_status_many(ids, gone, reason=reason, now_ms=self._clock())
        finally:
            for live in lives:
                live.lock.release()
                self._forget(live)
        for live in lives:
            await self._announce(live)
        return len(lives)

    async def _start(self, live: LiveSession) -> Conversation:
        session = live.session
        history: list[talk.Exchange] = []
        if live.prompted:
            pairs = await self._store.turns.exchanges(session.id, limit=HISTORY_EXCHANGES)
            history = [talk.Exchange(prompt=prompt, answer=answer) for prompt, answer in pairs]
            live.cut_off = await self._store.turns.was_cut_off(session.id)
        if self._gateway is not None:
            live.endpoint = self._gateway.issue(session.id, live.meter)
        try:
            return await self._connector.open(live.spec(self._turn_timeout), history)
        except (ConnectionFailed, asyncio.CancelledError):
            self._revoke(live)
            raise
        except Exception as error:
            logger.exception("%s: the connector broke", session.id)
            self._revoke(live)
            raise ConnectionFailed("an internal error; the details are in the log") from error

    async def _pump(self, live: LiveSession, conversation: Conversation) -> None:
        """Hand every event of a conversation to the running turn; see its end."""
        why = "the connection ended without a word"
        try:
            async for event in conversation.events():
                if isinstance(event, talk.Exited):
                    why = event.why
                elif live.sink is not None:
                    live.sink(event)
        except Exception:
            logger.exception("%s: reading the conversation failed", live.session.id)
            why = "reading the conversation failed"
        if live.conversation is not conversation:
            return  # closed on request
        await conversation.close()
        live.conversation = None
        self._revoke(live)
        if live.sink is not None:
            live.sink(talk.Exited(why=why))
        logger.warning("%s: Claude Code is gone: %s", live.session.id, why or "no reason given")
        try:
            await self._apply(live, live.lifecycle.on(ProcessExited(why)))
        except StorageError as error:
            logger.error("%s: its end could not be recorded: %s", live.session.id, error)
        self._processes.wake_next()

    async def _make_room(self, live: LiveSession) -> None:
        """Close the least recently used idle process while there are too many, or wait until one is idle.

        Raises:
            ConnectionFailed: nothing starts any more.
        """
        first = not self._processes.contended
        while self._accepting and live.conversation is None:
            if first and not self._is_full():
                return
            idle = [i for i in self.idle(longer_than=-1.0) if i != live.session.id] if first else []
            if not idle or not await self.close_idle(idle[:1], EndReason.EVICTED):
                self._approvals.give_way()
                await self._processes.wait(live.session.user_id)
                first = True
        if not self._accepting:
            raise ConnectionFailed("the daemon is shutting down")

    def _is_full(self) -> bool:
        most = self._max_processes
        # Whoever has a process is in memory: while fewer are there, nothing need be counted.
        return len(self._live) >= most and self.process_count() + self._starting >= most

    async def _apply(self, live: LiveSession, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Record(status, reason):
                    await self._store.sessions.set_status(
                        live.session.id, status, reason=reason, started=live.prompted or None, now_ms=self._clock()
                    )
                    await self._announce(live)
                case CloseProcess():
                    await self._close_process(live)
                    await self._apply(live, live.lifecycle.on(ProcessExited()))

    async def _close_processes(self, lives: Sequence[LiveSession]) -> None:
        """Close many, some at a time: a task for each would take longer than most of them."""
        left = iter(lives)

        async def close_what_is_left() -> None:
            for live in left:
                await self._close_process(live)
                live.lifecycle.on(ProcessExited())

        await asyncio.gather(*(close_what_is_left() for _ in range(min(len(lives), PARALLEL_CLOSES))))

    async def _close_process(self, live: LiveSession) -> None:
        conversation, live.conversation = live.conversation, None
        if conversation is not None:
            await conversation.close()
        if live.pump is not None:
            await live.pump
            live.pump = None
        if live.sink is not None:
            live.sink(talk.Exited(why="the session was closed"))
        self._revoke(live)
        self._processes.wake_next()

    def _revoke(self, live: LiveSession) -> None:
        if live.endpoint is not None and self._gateway is not None:
            self._gateway.revoke(live.endpoint.token)
            live.endpoint = None

    def _forget(self, live: LiveSession) -> None:
        """Drop a session without a process from memory; its record has all that matters."""
        # Another may have taken its place in memory by now.
        if live.conversation is None and live.reapable and self._live.get(live.session.id) is live:
            del self._live[live.session.id]

    async def _announce(self, live: LiveSession) -> None:
        session_id, user_id = live.session.id, live.session.user_id
        topics = (f"session:{session_id}", f"user:{user_id}", "sessions")
        if self._hub.wanted(*topics) and (session := await self._store.sessions.get(session_id)) is not None:
            self._hub.publish(session_updated(session), topics)
            over = not session.status.live and not live.resting
            if over and session.end_reason != EndReason.USER:  # nobody's request answers with it
                self._hub.publish(session_ended(session), topics[:2])
