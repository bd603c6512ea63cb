"""Accepts messages (T1), applies their queue mode, and starts their turns."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from weakref import WeakValueDictionary

from supervisor.delivery.hub import Hub, chat_topics, topics_of
from supervisor.intake import acceptance as t1
from supervisor.intake.admission import seconds
from supervisor.intake.position import QueuePosition
from supervisor.intake.submission import RoutedSubmission, Submission, Taken
from supervisor.people.projects import Project
from supervisor.protocol.errors import Overloaded, RateLimited, StorageError
from supervisor.protocol.events import ChatPrompt
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Inbound, MessageId, ProjectName, UserId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.routing.conversations import Conversations
from supervisor.routing.destination import Destination
from supervisor.routing.rules import Decision
from supervisor.sessions.live import LOOK_SECONDS
from supervisor.sessions.pool import SessionPool
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.acceptance import Acceptance, Accepted, RateLimit
from supervisor.store.records.session import Session
from supervisor.turns.scheduler import TurnScheduler

logger = logging.getLogger(__name__)

MAX_QUEUED = 1_000
"""Queued turns in the whole daemon from which on services get `overloaded`."""


class Acceptor:
    """Writes messages to the store and hands their turns to the scheduler.

    Args:
        mode: `[queue] mode`, for messages of services that choose none. Only INTERRUPT applies to them. Otherwise they
            are queued for a turn of their own: a service shares an answer only if it chooses COLLECT or STEER.
        max_queued: queued turns from which on services get `overloaded`.
    """

    def __init__(
        self,
        *,
        store: TurnStore,
        conversations: Conversations,
        sessions: SessionPool,
        turns: TurnScheduler,
        hub: Hub,
        mode: Mode = Mode.FOLLOWUP,
        max_queued: int = MAX_QUEUED,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._sessions = sessions
        self._turns = turns
        self._hub = hub
        self._mode_of_services = Mode.INTERRUPT if mode is Mode.INTERRUPT else Mode.FOLLOWUP
        self._max_queued = max_queued
        self._clock = clock
        self._project_locks: WeakValueDictionary[ProjectName, asyncio.Lock] = WeakValueDictionary()

    def check_capacity(self) -> None:
        """Check that the queue of the daemon has room for a service's message.

        Raises:
            Overloaded: it has none.
        """
        if self._turns.queued >= self._max_queued:
            raise Overloaded

    async def known(self, submission: Submission) -> Taken | None:
        """Return a message as a duplicate of the one that was accepted under its key before, or None.

        Raises:
            StorageError: the store could not be read.
        """
        if submission.dedup_key is None:
            return None
        first = await self._store.known(submission.channel, submission.account, submission.dedup_key, submission.digest)
        return None if first is None else Taken.again(first)

    async def was_accepted(self, inbound: Inbound) -> bool:
        """Return whether a message was accepted under the deduplication key of this one.

        Raises:
            StorageError: the store could not be read.
        """
        key = (inbound.channel, inbound.account, inbound.dedup_key)
        return await self._store.known(*key, inbound.digest) is not None

    async def prompt(
        self, session: Session, project: Project | None, submission: Submission, limit: RateLimit | None = None
    ) -> Taken:
        """Accept a prompt for one session, without routing.

        Args:
            project: of the session; the caller has checked that the user may use it. None = the session is a chat.
            limit: counts the prompt; None = nothing limits it.

        Raises:
            RateLimited: the person has sent too many messages.
            Overloaded: too many turns are queued.
            StorageError: nothing was accepted.
        """
        self.check_capacity()
        decision = Decision(
            target=Target.ASSISTANT if session.is_chat else Target.CLAUDE_CODE,
            reason="sent to the session",
            text=submission.text,
            project=project,
            session_id=session.id,
        )
        routed = RoutedSubmission(submission=submission, decision=decision, session=session, limit=limit)
        return await self.accept(routed)

    async def accept(self, routed: RoutedSubmission) -> Taken:
        """Accept a message whose target is decided; returns after the commit of T1.

        Cancelling is safe: either nothing was accepted, or the message runs without its caller.

        Raises:
            RateLimited: the person has sent too many messages, and nothing was accepted.
            StorageError: nothing was accepted.
        """
        mode = routed.submission.mode or self._mode_of_services
        accepting = self._accept(routed, mode)
        if routed.decision.target in t1.NOT_RUN or mode not in (Mode.STEER, Mode.INTERRUPT):
            return await accepting
        # Steering and interrupting follow T1, so a cancelled caller must not cut them off.
        task = asyncio.create_task(accepting, name=f"enter {routed.submission.user.id}")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._start_without_caller)
            raise

    def start(self, taken: Taken) -> None:
        """Hand an accepted message to the scheduler; a duplicate, or a message that gets no turn, starts nothing."""
        if taken.decision.target in t1.NOT_RUN:
            return
        if not taken.accepted.duplicate and not taken.joined:
            self._turns.kick(taken.lane, taken.project, taken.accepted.started)

    def _start_without_caller(self, task: asyncio.Task[Taken]) -> None:
        """Start a message whose caller was cancelled; after an error there is nothing to start, and nobody to tell."""
        if not task.cancelled() and task.exception() is None:
            self.start(task.result())

    async def _accept(self, routed: RoutedSubmission, mode: Mode) -> Taken:
        if (project := routed.decision.project) is None or not project.shared:
            taken = await self._take(routed, mode)
        else:
            # Concurrent first messages of two users must find one conversation.
            async with self._project_locks.setdefault(project.name, asyncio.Lock()):
                taken = await self._take(routed, mode)
        runs = taken.session_id is not None and not taken.accepted.duplicate
        if mode is Mode.INTERRUPT and runs:
            await self._interrupt(taken, routed.submission.user.id)
        return taken

    async def _take(self, routed: RoutedSubmission, mode: Mode) -> Taken:
        """Accept a message; look for its conversation again while another message began that one first."""
        while (taken := await self._try(routed, mode)) is None:
            pass
        return taken

    async def _try(self, routed: RoutedSubmission, mode: Mode) -> Taken | None:
        """Find the destination, build the rows, write them (T1), steer, announce; None = look again."""
        submission, decision = routed.submission, routed.decision
        destination = await self._conversations.destination(
            submission.user, submission.channel, submission.thread, decision, routed.session or submission.chat
        )
        message_id, reply = MessageId(uuid7()), submission.reply
        if reply is not None and self._conversations.has_several_projects(submission.user):
            reply = t1.labelled(reply, destination.project)
        waits_for = self._turns.waits_for(destination.lane, destination.project_name)
        position = QueuePosition(message_id, reply, await self._mode_told(mode, destination), waits_for)
        in_session = destination.session_id is not None
        acceptance = t1.build(
            routed,
            destination,
            message_id=message_id,
            mode=mode,
            process=self._process(destination),
            reply=reply,
            position=position if in_session else None,
            now_ms=self._clock(),
        )
        if in_session and mode is Mode.STEER:
            accepted, joined = await self._write_and_steer(acceptance)
        else:
            accepted, joined = await self._write(acceptance), False
        if accepted.wait_ms:
            raise RateLimited(seconds(accepted.wait_ms))
        if accepted.moved:
            return None
        if accepted.written:
            self._announce(acceptance)
            if joined or position.ahead:
                self._hub.publish(position.event(acceptance), topics_of(acceptance))
        return Taken(
            accepted=accepted,
            decision=decision,
            lane=destination.lane,
            project=acceptance.project,
            session_id=destination.session_id,
            told=bool(acceptance.refusals),
            joined=joined,
            ahead=0 if joined else position.ahead,
            waits_for=position.waits_for if position.ahead and not joined else "",
        )

    def _announce(self, acceptance: Acceptance) -> None:
        """Publish a message that is written in a chat to those who watch the chat."""
        topics = chat_topics(acceptance)
        if acceptance.session_id is None or not self._hub.wanted(*topics):
            return
        event = ChatPrompt(
            session_id=acceptance.session_id,
            message_id=acceptance.message_id,
            user_id=acceptance.user_id,
            channel=acceptance.channel,
            text=acceptance.text,
        )
        self._hub.publish(event, topics)

    def _process(self, destination: Destination) -> t1.Process | None:
        """Return what T1 may start the turn in: the open process of a stored session, or a chat, which needs none.

        None = the turn is started later, by the scheduler.
        """
        if destination.session is None or not self._turns.may_start(destination.lane, destination.project_name):
            return None
        if destination.session.is_chat:
            return t1.Process(identity=None)
        live = self._sessions.live(destination.session.id)
        if live is None or live.conversation is None or live.new_keeper or live.has_moved(within=LOOK_SECONDS):
            return None
        return t1.Process(identity=live.conversation.identity)

    async def _mode_told(self, mode: Mode, destination: Destination) -> Mode:
        """Return the mode that the sender reads: a message that finds no turn to interrupt is simply queued."""
        if mode is not Mode.INTERRUPT or self._turns.is_busy(destination.lane):
            return mode
        elsewhere = await self._turns.is_busy_elsewhere(destination.lane, destination.project_name)
        return mode if elsewhere else Mode.FOLLOWUP

    async def _write(self, acceptance: Acceptance) -> Accepted:
        """T1. If the caller is cancelled while it commits, the turn is started without the caller."""

        def start_without_caller(accepted: Accepted) -> None:
            if accepted.written and acceptance.target not in t1.NOT_RUN:
                self._turns.kick(acceptance.lane, acceptance.project, accepted.started)

        return await self._store.accept(acceptance, orphaned=start_without_caller)

    async def _write_and_steer(self, acceptance: Acceptance) -> tuple[Accepted, bool]:
        """T1, then send the message into the running turn; return whether it joined that turn."""
        # T1 sends no notice: whether the message is queued at all is known after the attempt.
        accepted = await self._write(replace(acceptance, queued=None))
        if accepted.started is not None or not accepted.written:
            return accepted, False
        try:
            return accepted, await self._turns.steer(acceptance)
        except StorageError as error:  # the message is accepted and stays queued; only the notice is lost
            logger.error("%s: whether it joins the running turn could not be stored: %s", acceptance.message_id, error)
            return accepted, False

    async def _interrupt(self, taken: Taken, by: UserId) -> None:
        """Stop the turn that runs in the lane of a message; if that fails, the message stays queued."""
        try:
            await self._turns.interrupt_for(taken.lane, taken.accepted.message_id, by)
        except Exception:
            logger.exception("%s: the running turn could not be interrupted for it", taken.accepted.message_id)
