"""Starts turns: one at a time in each lane, in the order in which they were accepted (T2)."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from itertools import chain

from supervisor.delivery.replies import dropped as dropped_notices
from supervisor.people.projects import Projects
from supervisor.protocol.errors import (
    ConnectionFailed,
    ProjectNotAllowed,
    SessionNotActive,
    SessionNotFound,
    StorageError,
    XswarmError,
)
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.queue import FOR_ANSWER, FOR_PROJECT, FOR_TURN
from supervisor.protocol.times import Clock, now_ms
from supervisor.sessions.live import LiveSession
from supervisor.sessions.pool import SessionPool
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.turn import Turn
from supervisor.turns import outcomes
from supervisor.turns.completion import STORAGE_RETRY_MAX_SECONDS, STORAGE_RETRY_SECONDS, TurnCompletion
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.lanes.name import LaneName
from supervisor.turns.lanes.resources import LaneResources
from supervisor.turns.lanes.state import LanePhase
from supervisor.turns.runner import TurnRunner
from supervisor.turns.running.turn import RunningTurn
from supervisor.turns.steering import Steered, Steering

logger = logging.getLogger(__name__)

END_SECONDS = 10.0
"""How long a stop waits, in seconds, for the ends of the turns whose time is up. The next start settles the rest."""


class TurnScheduler:
    """Starts the turns of all lanes, one at a time in each lane.

    Args:
        records: the stored sessions, for a lane whose session is not in memory.
        runner: runs a turn once it is started.
        resources: which lanes this node runs.

    Attributes:
        queued: number of queued turns in all lanes, as far as this process knows.
        stopping: no more turns are started.
    """

    def __init__(
        self,
        *,
        turns: TurnStore,
        records: SessionStore,
        sessions: SessionPool,
        projects: Projects,
        runner: TurnRunner,
        steering: Steering,
        completion: TurnCompletion,
        resources: LaneResources,
        clock: Clock = now_ms,
    ) -> None:
        self._turns = turns
        self._records = records
        self._sessions = sessions
        self._projects = projects
        self._runner = runner
        self._steering = steering
        self._completion = completion
        self._resources = resources
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._blocked: dict[ProjectName, set[str]] = {}
        self.stopping = False
        self.queued = 0

    def kick(self, name: str, project: ProjectName, started: Turn | None = None) -> None:
        """Note that one more turn is queued in a lane, or that T1 has already started one."""
        lane = self._lane(name, project)
        if started is not None:
            lane.state.turn_given(started)
        else:
            self.queued += 1
            lane.state.turn_queued()
        self._wake(lane)

    async def steer(self, acceptance: Steered) -> bool:
        """Send a waiting message into the running turn of its lane; False = it keeps waiting and its sender is told.

        Raises:
            StorageError: the message keeps waiting.
        """
        return await self._steering.steer(self._lanes.get(acceptance.lane), acceptance)

    async def sweep(self) -> None:
        """Look for waiting turns in the store: after a start, and from time to time in case that a `kick` was lost.

        Raises:
            StorageError: the store could not be read.
        """
        for name, project in await self._turns.waiting_lanes():
            if not self._resources.is_of_another(name, project):
                self._look(name, project)
        self.queued = await self._turns.pending_count()

    def heard(self, name: str, project: ProjectName) -> None:
        """Look for a turn that was queued at another node."""
        self._look(name, project)

    def may_start(self, name: str, project: ProjectName) -> bool:
        """Return whether T1 may start a turn of a lane on this node."""
        return not self.stopping and self._resources.owns(name, project)

    async def claim(self, name: str, project: ProjectName) -> bool:
        """Claim the resource of a lane, for a process without a turn; False = another owns it, or no folder is here.

        Raises:
            StorageError: it is not known who owns it.
        """
        return await self._resources.claim(name, project)

    def running(self, lane: str) -> RunningTurn | None:
        """Return the running turn of a lane."""
        return self._lanes[lane].running if lane in self._lanes else None

    def running_turns(self) -> list[RunningTurn]:
        """Return the running turns of all lanes."""
        return [lane.running for lane in self._lanes.values() if lane.running is not None]

    def lanes_of(self, user_id: UserId) -> list[str]:
        """Return the lanes in which a turn of a user runs, or waits for a process or for its project."""
        names = dict.fromkeys([*self._lanes, *chain.from_iterable(self._blocked.values())])
        return [name for name in names if self._owner(name) == user_id]

    def is_busy(self, name: str) -> bool:
        """Return whether a turn runs in a lane, or is about to begin."""
        lane = self._lanes.get(name)
        return lane is not None and lane.is_busy

    async def is_busy_elsewhere(self, name: str, project: ProjectName) -> bool:
        """Return whether a turn of a lane runs on another node.

        Raises:
            StorageError: it is not known.
        """
        return not self._resources.owns(name, project) and await self._turns.is_running(name)

    def waits_for(self, name: str, project: ProjectName) -> str:
        """Return the sentence that says what a message waits for that is queued in a lane now."""
        if (running := self.running(name)) is not None and running.clock.is_asking:
            return FOR_ANSWER
        # Of a lane on another node it is not known here whether its own turn runs or that of another conversation.
        return FOR_TURN if name in self._lanes or not self._resources.owns(name, project) else FOR_PROJECT

    async def interrupt(self, name: str, by: str = "") -> RunningTurn | None:
        """Interrupt the running turn of a lane; return the turn, which may not have ended yet, or None.

        Args:
            by: who interrupts it: the id of a user, or the name of a program. Other senders are told the name.
        """
        lane = self._lanes.get(name)
        if lane is None or lane.running is None:
            return None
        running = lane.running
        running.stop(by)
        if lane.conversation is not None:
            # Side by side: a slow disk delays no stop. What ends the turn is written behind the note.
            await asyncio.gather(self._completion.note_stop(running.turn, by), lane.conversation.interrupt())
        else:  # the turn is suspended, so it has no process that could end it
            running.fail("it was interrupted", interrupted=True)
        return running

    async def interrupt_next(self, name: str, by: str = "") -> RunningTurn | None:
        """Interrupt the turn that is about to begin in a lane, and return it when it begins; None = no turn begins."""
        lane = self._lanes.get(name)
        return await lane.interrupt_next(by) if lane is not None else None

    async def interrupt_for(self, name: str, message_id: MessageId, by: UserId) -> None:
        """Interrupt the running turn of a lane for a message, or else the turn that begins before the message's own."""
        if await self.interrupt(name, by) is None and (lane := self._lanes.get(name)) is not None:
            lane.interrupt_before(message_id, by)

    async def cancel_waiting(self, name: str, why: str, *, of: UserId | None = None) -> list[Turn]:
        """Cancel the waiting turns of a lane, and tell their senders and waiting callers.

        Args:
            of: cancel only the turns of this user, whose command is answered instead; None = cancel all turns.

        Raises:
            StorageError: no turn was cancelled.
        """
        notices = None if of is not None else dropped_notices(why)
        cancelled = await self._turns.cancel_pending(name, why, of=of, notices=notices, now_ms=self._clock())
        self.note_removed(len(cancelled))
        for turn in cancelled:
            self._completion.waiters.fail(turn.message_id, outcomes.failure(turn, why))
        return cancelled

    def note_removed(self, count: int) -> None:
        """Note that queued turns were cancelled in the store."""
        self.queued = max(0, self.queued - count)

    async def drain(self, seconds: float) -> None:
        """Start no more turns, give the running ones some seconds to end, and mark those that have not ended."""
        self.stopping = self._runner.stopping = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        self._completion.time_is_up = True
        for lane in self._lanes.values():
            if lane.running is not None:
                lane.running.fail(outcomes.SHUT_DOWN)
            elif lane.task is not None and (lane.state.phase is LanePhase.OPENING or lane.has_unbegun):
                lane.task.cancel()  # its turn has not begun, and stays as it is stored
        late = (await asyncio.wait(tasks, timeout=END_SECONDS))[1] if tasks else set()
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        kept = "the daemon is shutting down; the message is kept and runs after the restart"
        self._completion.waiters.fail_all(ConnectionFailed(kept))

    def _lane(self, name: str, project: ProjectName) -> Lane:
        """Return a lane, made where it had no work until now."""
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(LaneName(name), project)
        return lane

    def _owner(self, name: str) -> UserId | None:
        """Return the user whose turn runs in a lane, or else the owner of its session."""
        if (running := self.running(name)) is not None:
            return running.turn.user_id
        session = self._sessions.live(SessionId(name))
        return session.record.user_id if session is not None else None

    def _look(self, name: str, project: ProjectName) -> None:
        """Let a lane take turns until the store has none left."""
        lane = self._lane(name, project)
        lane.state.queue_unknown()
        self._wake(lane)

    def _wake(self, lane: Lane) -> None:
        if lane.task is None and not self.stopping:
            lane.task = asyncio.create_task(self._work(lane), name=f"lane {lane.name}")

    async def _work(self, lane: Lane) -> None:
        """Run the turns of a lane until none is left to start."""
        pause, entered = STORAGE_RETRY_SECONDS, False
        try:
            while lane.state.has_work and not self.stopping:
                try:
                    if not entered and not (entered := await self._resources.enter(lane.name, lane.project)):
                        await self._leave_to_another(lane)
                        continue
                    lane.state.look_began()
                    await self._next(lane)
                    pause = STORAGE_RETRY_SECONDS
                except StorageError as error:
                    logger.error("%s: cannot start the next turn: %s", lane.name, error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, STORAGE_RETRY_MAX_SECONDS)
                finally:
                    lane.end_look()
        except Exception:
            logger.exception("%s: the lane broke", lane.name)
            lane.state.broke()
        finally:
            lane.task = None
            if not lane.state.has_work:
                self._lanes.pop(lane.name, None)
            if entered:
                for name, project in self._resources.leave(lane.name, lane.project).items():
                    self._look(name, project)

    async def _leave_to_another(self, lane: Lane) -> None:
        """Leave the turns of a lane to the node that owns its resource, also one that T1 started when this one did."""
        if (given := lane.state.given) is not None:
            await self._turns.requeue(given.id, now_ms=self._clock())
            lane.state.take()
        lane.state.belongs_to_another()

    async def _next(self, lane: Lane) -> None:
        """Run the next turn of a lane, if there is one to start."""
        session = None if lane.is_assistant else await self._session(lane.name)
        if session is None:
            if (turn := await self._take(lane, None)) is not None:
                await self._runner.assist(lane, turn, partial(self._steering.join_offered, lane))
            return
        if isinstance(session, XswarmError):
            await self._reject(lane, session)
            return
        with self._sessions.claim(session):
            opened = self._sessions.opened(session) or await self._open(lane, session)
            if self.stopping and lane.state.given is None:
                return  # the waiting turns are kept for the next start
            if isinstance(opened, ConnectionFailed):
                await self._reject(lane, opened)
                return
            if (turn := await self._take(lane, opened, session)) is not None:
                await self._runner.converse(lane, turn, session, opened)
        if turn is not None and turn.exclusive:
            self._release(turn.project)

    async def _session(self, name: str) -> LiveSession | XswarmError | None:
        """Return the session of a lane, taken into memory, or the reason why it cannot run a turn; None = a chat's."""
        session_id = SessionId(name)
        if (session := self._sessions.live(session_id)) is None:
            record = await self._records.get(session_id)
            if record is None:
                return SessionNotFound(name)
            if record.is_chat:
                return None
            project = self._projects.holding(record)
            if project is None:
                return ProjectNotAllowed(record.project_path)
            session = self._sessions.take(record, project)
        if not session.lifecycle.resumes_by_itself:
            return SessionNotActive(name)
        return session

    async def _open(self, lane: Lane, session: LiveSession) -> Conversation | ConnectionFailed:
        """Return the conversation of a session, or the reason why it has none."""
        lane.state.opening_began()
        try:
            return await self._sessions.open(session)
        except ConnectionFailed as error:
            return error
        finally:
            lane.state.opening_ended()

    async def _take(
        self, lane: Lane, conversation: Conversation | None, session: LiveSession | None = None
    ) -> Turn | None:
        """Return the next turn of a lane, started (T2); None = none waits, or the project is busy."""
        if (given := lane.state.take()) is not None:
            return given
        identity = conversation.identity if conversation is not None else None
        try:
            node = session.new_keeper if session is not None else ""
            taken = await self._turns.start_next(lane.name, identity, node=node, now_ms=self._clock())
        except StorageError:
            lane.state.take_failed()
            raise
        if taken is None:
            lane.state.nothing_taken()
            await self._note_blocked(lane)
            return None
        if session is not None:
            session.keeper_noted()
        count = 1 + len(taken.gathered)
        lane.state.turns_taken(count)
        self.queued = max(0, self.queued - count)
        return taken

    async def _reject(self, lane: Lane, error: XswarmError) -> None:
        """Fail the next turn of a lane that cannot run."""
        turn = await self._take(lane, None)
        if turn is not None:
            await self._completion.refuse(turn, error)
            self._release(turn.project)

    async def _note_blocked(self, lane: Lane) -> None:
        """Remember a lane whose turn cannot start, to be woken when its project is free."""
        # Before the query, because the project may be released while it runs.
        self._blocked.setdefault(lane.project, set()).add(lane.name)
        if not await self._turns.is_waiting(lane.name):
            self._blocked.get(lane.project, set()).discard(lane.name)

    def _release(self, project: ProjectName) -> None:
        """Wake the lanes that found a project busy."""
        for name in self._blocked.pop(project, ()):
            self._look(name, project)
