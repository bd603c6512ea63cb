"""Runs turns: one at a time in each lane, in the order they were accepted; T2 before the prompt, T3 after the end."""

from __future__ import annotations

import asyncio
import logging
from itertools import chain

from supervisor.delivery.replies import dropped as dropped_notices
from supervisor.people.projects import Projects
from supervisor.protocol.errors import (
    ConnectionFailed,
    ProjectNotAllowed,
    SessionNotActive,
    SessionNotFound,
    StorageError,
    TurnFailed,
    XswarmError,
)
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.ports import Conversation
from supervisor.protocol.times import Clock, now_ms
from supervisor.sessions.live import LiveSession
from supervisor.sessions.pool import SessionPool
from supervisor.store.port import Store
from supervisor.store.records.acceptance import Acceptance
from supervisor.store.records.turn import Turn
from supervisor.turns import outcomes
from supervisor.turns.completion import STORAGE_RETRY_SECONDS, TurnCompletion
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.lanes.name import LaneName
from supervisor.turns.runner import TurnRunner
from supervisor.turns.running import RunningTurn
from supervisor.turns.steering import Steering

logger = logging.getLogger(__name__)


class TurnScheduler:
    """Starts the turns of all lanes, one at a time in each lane.

    Args:
        runner: runs a turn once it is started.

    Attributes:
        backlog: number of waiting turns, as far as this process knows.
        stopping: no more turns are started.
    """

    def __init__(
        self,
        *,
        store: Store,
        sessions: SessionPool,
        projects: Projects,
        runner: TurnRunner,
        steering: Steering,
        completion: TurnCompletion,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._projects = projects
        self._runner = runner
        self._steering = steering
        self._completion = completion
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._blocked: dict[ProjectName, set[str]] = {}
        self.stopping = False
        self.backlog = 0

    def kick(self, name: str, project: ProjectName, started: Turn | None = None) -> None:
        """Say that a lane has one more turn waiting, or one that is started already."""
        lane = self._lane(name, project)
        if started is not None:
            lane.started = started
        else:
            self.backlog += 1
            if lane.waiting is not None:
                lane.waiting += 1
        self._wake(lane)

    async def steer(self, acceptance: Acceptance) -> bool:
        """Send a message that waits into the running turn of its lane; False = it waits, and its sender knows.

        Raises:
            StorageError: it waits.
        """
        return await self._steering.steer(self._lanes.get(acceptance.lane), acceptance)

    async def sweep(self) -> None:
        """Look for waiting turns in the store: after a start, and in case that a word was lost."""
        for name, project in await self._store.turns.waiting_lanes():
            self._look(name, project)
        self.backlog = await self._store.turns.pending_count()

    def _lane(self, name: str, project: ProjectName) -> Lane:
        """Return a lane, made where it had no work until now."""
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(LaneName(name), project)
        return lane

    def _look(self, name: str, project: ProjectName) -> None:
        """Let a lane look in the store until nothing is left."""
        lane = self._lane(name, project)
        lane.waiting = None
        self._wake(lane)

    def _wake(self, lane: Lane) -> None:
        if lane.task is None and not self.stopping:
            lane.task = asyncio.create_task(self._work(lane), name=f"lane {lane.name}")

    def running(self, lane: str) -> RunningTurn | None:
        """Return the turn that runs in a lane."""
        return self._lanes[lane].running if lane in self._lanes else None

    def lanes_of(self, user_id: UserId) -> list[str]:
        """Return the lanes in which a turn of a user runs, or waits for a process or for its project."""
        names = dict.fromkeys([*self._lanes, *chain.from_iterable(self._blocked.values())])
        return [name for name in names if self._owner(name) == user_id]

    def _owner(self, name: str) -> UserId | None:
        """Return whose a lane with work is."""
        if (running := self.running(name)) is not None:
            return running.turn.user_id
        live = self._sessions.live(SessionId(name))
        return live.record.user_id if live is not None else None

    def running_turns(self) -> list[RunningTurn]:
        """Return the turns that run."""
        return [lane.running for lane in self._lanes.values() if lane.running is not None]

    async def interrupt(self, name: str) -> RunningTurn | None:
        """Stop the running turn of a lane; returns it once it was told, None where nothing runs."""
        lane = self._lanes.get(name)
        if lane is None or lane.running is None:
            return None
        running = lane.running
        running.stopping = True
        if lane.conversation is not None:
            await lane.conversation.interrupt()
        else:  # it rests: there is nobody to tell but the turn itself
            running.fail("it was interrupted", interrupted=True)
        return running

    async def interrupt_next(self, name: str) -> RunningTurn | None:
        """Let the turn that a lane is about to begin end as it begins; None where there comes none."""
        lane = self._lanes.get(name)
        if lane is None or not lane.beginning:
            return None
        begun: asyncio.Future[RunningTurn | None] = asyncio.get_running_loop().create_future()
        lane.cut.append(begun)
        return await begun

    def is_busy(self, name: str) -> bool:
        """Return whether a turn runs in a lane, or is about to begin."""
        lane = self._lanes.get(name)
        return lane is not None and (lane.running is not None or lane.beginning)

    async def interrupt_for(self, name: str, message_id: MessageId) -> None:
        """Stop the running turn of a lane for a message, or let the one that is about to begin end as it begins."""
        if await self.interrupt(name) is None and (lane := self._lanes.get(name)) is not None and lane.beginning:
            lane.cut_by = message_id

    async def cancel_waiting(self, name: str, why: str, *, of: UserId | None = None) -> list[Turn]:
        """Cancel what waits in a lane; whoever waits for it is told.

        Args:
            of: only what this user wrote, who asked for it and is told in the answer to that.
        """
        notices = None if of is not None else dropped_notices(why)
        dropped = await self._store.turns.cancel_pending(name, why, of=of, notices=notices, now_ms=self._clock())
        self.backlog = max(0, self.backlog - len(dropped))
        for turn in dropped:
            self._completion.waiters.fail(turn.message_id, TurnFailed(why))
        return dropped

    async def drain(self, seconds: float) -> None:
        """Start nothing more; give what runs some seconds, then mark it; nobody is left waiting."""
        self.stopping = self._runner.stopping = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        self._completion.time_is_up = True
        for lane in self._lanes.values():
            if lane.running is not None:
                lane.running.fail(outcomes.SHUT_DOWN)
            elif lane.starting and lane.task is not None:
                lane.task.cancel()  # its turn stays as it is stored
        await asyncio.gather(*(t for t in tasks if not t.done()), return_exceptions=True)
        kept = "the daemon is shutting down; the message is kept and runs after the restart"
        self._completion.waiters.fail_all(ConnectionFailed(kept))

    async def _work(self, lane: Lane) -> None:
        """Run a lane's turns until none is left to start."""
        pause = STORAGE_RETRY_SECONDS
        try:
            while (lane.waiting != 0 or lane.started is not None) and not self.stopping:
                try:
                    lane.beginning = True
                    await self._next(lane)
                    pause = STORAGE_RETRY_SECONDS
                except StorageError as error:
                    logger.error("%s: cannot start the next turn: %s", lane.name, error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 10.0)
                finally:
                    lane.beginning = False
                    lane.tell_cut(None)
        except Exception:
            logger.exception("%s: the lane broke", lane.name)
            lane.waiting = 0
        finally:
            lane.task = None
            if lane.waiting == 0 and lane.started is None:
                self._lanes.pop(lane.name, None)

    async def _take(self, lane: Lane, conversation: Conversation | None) -> Turn | None:
        """T2: return the lane's next turn, started; None = there is none, or its project is busy."""
        if lane.started is not None:
            turn, lane.started = lane.started, None
            return turn
        identity = conversation.identity if conversation is not None else None
        told, lane.waiting = lane.waiting, 0
        try:
            taken = await self._store.turns.start_next(lane.name, identity, now_ms=self._clock())
        except StorageError:
            lane.waiting = told
            raise
        if taken is None:
            await self._note_blocked(lane)
            return None
        self.backlog = max(0, self.backlog - 1 - len(taken.gathered))
        if told is None or lane.waiting is None:
            lane.waiting = None
        else:
            lane.waiting = max(0, lane.waiting + told - 1 - len(taken.gathered))
        return taken

    async def _note_blocked(self, lane: Lane) -> None:
        """Remember a lane whose turn cannot start, to be woken when its project is free."""
        # Before the question: a release may come meanwhile.
        self._blocked.setdefault(lane.project, set()).add(lane.name)
        if not await self._store.turns.is_waiting(lane.name):
            self._blocked.get(lane.project, set()).discard(lane.name)

    async def _next(self, lane: Lane) -> None:
        """Run the next turn of a lane, where there is one to start."""
        if lane.name.is_assistant:
            if (turn := await self._take(lane, None)) is not None:
                await self._runner.assist(lane, turn)
            return
        live = await self._live(lane.name)
        if isinstance(live, XswarmError):
            await self._reject(lane, live)
            return
        with self._sessions.claim(live):
            try:
                lane.starting = True
                conversation = await self._sessions.open(live)
            except ConnectionFailed as error:
                lane.starting = False
                if not self.stopping or lane.started is not None:
                    await self._reject(lane, error)
                return
            finally:
                lane.starting = False
            if self.stopping and lane.started is None:
                return  # what waits is kept for the next start
            if (turn := await self._take(lane, conversation)) is not None:
                await self._runner.converse(lane, turn, live, conversation)
        if turn is not None and turn.exclusive:
            self._release(turn.project)

    async def _live(self, name: str) -> LiveSession | XswarmError:
        """Return the lane's session in memory, or why it cannot run."""
        session_id = SessionId(name)
        if (live := self._sessions.live(session_id)) is None:
            session = await self._store.sessions.get(session_id)
            if session is None:
                return SessionNotFound(name)
            project = self._projects.holding(session)
            if project is None:
                return ProjectNotAllowed(session.project_path)
            live = self._sessions.take(session, project)
        if not live.lifecycle.resumes_by_itself:
            return SessionNotActive(name)
        return live

    async def _reject(self, lane: Lane, error: XswarmError) -> None:
        """End the next turn of a lane that cannot run."""
        turn = await self._take(lane, None)
        if turn is not None:
            await self._completion.refuse(turn, error)
            self._release(turn.project)

    def _release(self, project: ProjectName) -> None:
        """Wake the lanes that found a project busy."""
        for name in self._blocked.pop(project, ()):
            self._look(name, project)
