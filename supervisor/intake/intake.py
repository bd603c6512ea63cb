"""The one way in for every channel and wire: who, command word, limits, route, accept (T1), start."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from weakref import WeakValueDictionary

from supervisor.commands import words
from supervisor.commands.dispatch import Asker, CommandAnswer, CommandDispatcher
from supervisor.commands.words import Command
from supervisor.delivery.hub import Hub
from supervisor.delivery.replies import reply_id
from supervisor.intake.submission import QueuePlace, Submission, Taken, continued, signed, too_many
from supervisor.people.identity import Directory
from supervisor.people.projects import Project, Projects
from supervisor.people.rate_limits import RateLimits
from supervisor.protocol.errors import Overloaded, StorageError, XswarmError
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import (
    Inbound,
    MessageId,
    ProjectName,
    Receipt,
    Reply,
    in_a_sentence,
    well_formed,
)
from supervisor.protocol.queueing import Mode, parse
from supervisor.protocol.status import Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.routing.conversations import Conversations
from supervisor.routing.rules import Decision
from supervisor.sessions.pool import SessionPool
from supervisor.store.port import Store
from supervisor.store.records.acceptance import Acceptance, Accepted
from supervisor.store.records.accounts import User
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.session import Session
from supervisor.turns.lane import LaneName
from supervisor.turns.scheduler import TurnScheduler

logger = logging.getLogger(__name__)

MAX_WAITING = 1_000
"""Turns that may wait in the whole daemon before services are told `overloaded`."""


class Intake:
    """Accepts messages; returns only after the commit."""

    def __init__(
        self,
        *,
        store: Store,
        directory: Directory,
        projects: Projects,
        conversations: Conversations,
        rates: RateLimits,
        sessions: SessionPool,
        turns: TurnScheduler,
        commands: CommandDispatcher,
        hub: Hub,
        mode: Mode = Mode.FOLLOWUP,
        max_waiting: int = MAX_WAITING,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._directory = directory
        self._projects = projects
        self._conversations = conversations
        self._rates = rates
        self._sessions = sessions
        self._turns = turns
        self._commands = commands
        self._hub = hub
        self._mode = mode
        self._max_waiting = max_waiting
        self._clock = clock
        self._gates: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def accept(self, inbound: Inbound) -> Receipt:
        """Take a message that a channel hands in.

        Raises:
            StorageError: nothing was accepted.
        """
        user = self._directory.by_address(inbound.sender)
        if user is None:
            await self.dropped(inbound.channel, str(inbound.sender), "nobody has this address")
            return Receipt(message_id=None)
        taken = await self.submit(
            Submission(
                user=user,
                channel=inbound.channel,
                account=inbound.account,
                sender=inbound.sender,
                text=well_formed(inbound.text).strip(),
                note=inbound.note,
                thread=inbound.thread or "",
                reply=inbound.reply,
                dedup_key=inbound.dedup_key,
                digest=inbound.digest,
                limited=True,
                commands=True,
            )
        )
        self.start(taken)
        return Receipt(message_id=taken.accepted.message_id, duplicate=taken.accepted.duplicate)

    async def dropped(self, channel: str, sender: str, why: str) -> None:
        """Leave a trace of a message that is not accepted and never answered.

        Raises:
            StorageError: nothing was recorded.
        """
        logger.info("%s: a message was dropped: %s", channel, why)
        if self._rates.trace(channel):
            detail = {"channel": channel, "why": why[:200]}
            await self._store.audit.record(sender[:320], "message.dropped", detail, now_ms=self._clock())

    async def submit(self, submission: Submission, decision: Decision | None = None) -> Taken:
        """Decide what a message is for and accept it; the caller then calls `start`.

        Args:
            decision: what `decide` said of it before; None = decide now.

        Raises:
            Overloaded: too much is waiting.
            StorageError: nothing was accepted.
        """
        # One at a time for each user: two first texts must find one conversation, and repetitions each other.
        async with self._gates.setdefault(submission.user.id, asyncio.Lock()):
            return await self._submit(submission, decision)

    async def _submit(self, submission: Submission, decision: Decision | None) -> Taken:
        user, mode = submission.user, self._mode_of(submission)
        command = words.parse(submission.text) if submission.commands else None
        if submission.commands and command is None:
            named, text = parse(submission.text)
            mode, submission = named or self._mode, replace(submission, text=text)
        if (submission.limited or command is not None) and (first := await self._known(submission)) is not None:
            return first  # a repetition costs nobody their limit, and no word is carried out twice
        if not submission.limited:
            self._refuse_overload()
        if decision is not None:
            return await self._accept(submission, decision, mode=mode)
        answer: CommandAnswer | None = None
        retry_after = self._rates.take(user.id, command=command is not None) if submission.limited else None
        if retry_after is not None:
            told = self._rates.tell(user.id, retry_after)
            shown = "" if command is None else command.shown
            decision = Decision(target=Target.REFUSED, reason=too_many(retry_after) if told else "", text=shown)
        elif command is not None and (answer := await self._carry_out(command, submission)) is not None:
            if (resumed := answer.resumed) is not None:
                decision = await self._conversations.again(user, submission.channel, resumed.session_id, resumed.text)
                submission = replace(submission, note=resumed.note, context=resumed.context)
            else:
                shown = submission.text if answer.shown is None else answer.shown
                decision = Decision(target=Target.COMMAND, reason=answer.text, text=shown, session_id=answer.session_id)
                submission = continued(submission, answer.meta)
        elif not submission.text:
            decision = Decision(target=Target.REFUSED, reason="your message holds no text", text="")
        else:
            decision = await self._conversations.decide(
                user, submission.channel, submission.thread, submission.text, follows=submission.commands
            )
        return await self._accept(submission, decision, answer=answer, mode=mode)

    async def _carry_out(self, command: Command, submission: Submission) -> CommandAnswer | None:
        asker = Asker(user=submission.user, channel=submission.channel, sender=submission.sender)
        try:
            return await self._commands.answer(command, asker)
        except StorageError:
            raise  # the provider sends it again
        except XswarmError as refused:
            return CommandAnswer(text=f"{refused}. {refused.remedy}".rstrip() if refused.remedy else f"{refused}.")

    async def _known(self, submission: Submission) -> Taken | None:
        if submission.dedup_key is None:
            return None
        known = await self._store.turns.known(
            submission.channel, submission.account, submission.dedup_key, submission.digest
        )
        if known is None:
            return None
        decision = Decision(target=Target.REFUSED, reason="", text="")
        return Taken(accepted=known, decision=decision, lane="", project=ProjectName(""), session_id=None)

    async def prompt(self, session: Session, project: Project, submission: Submission) -> Taken:
        """Accept a prompt for one session, without routing.

        Args:
            project: the session's, which its user may still use.

        Raises:
            Overloaded: too much is waiting.
            StorageError: nothing was accepted.
        """
        self._refuse_overload()
        decision = Decision(
            target=Target.CLAUDE_CODE,
            reason="sent to the session",
            text=submission.text,
            project=project,
            session_id=session.id,
        )
        return await self._accept(submission, decision, session, mode=self._mode_of(submission))

    def _mode_of(self, submission: Submission) -> Mode:
        """Return how a message enters the line; none of a service shares its answer unless it says so."""
        return submission.mode or (Mode.INTERRUPT if self._mode is Mode.INTERRUPT else Mode.FOLLOWUP)

    def start(self, taken: Taken) -> None:
        """Run what was accepted; a duplicate, or what is answered already, runs nothing."""
        if taken.decision.target in (Target.REFUSED, Target.COMMAND):
            return
        if not taken.accepted.duplicate and not taken.joined:
            self._turns.kick(taken.lane, taken.project, taken.accepted.started)

    async def decide(self, user: User, channel: str, message: str) -> Decision:
        """Return where a message of a user would go, and why; changes nothing."""
        return await self._conversations.decide(user, channel, "", message)

    async def _accept(
        self,
        submission: Submission,
        decision: Decision,
        session: Session | None = None,
        *,
        answer: CommandAnswer | None = None,
        mode: Mode = Mode.FOLLOWUP,
    ) -> Taken:
        entering = self._enter(submission, decision, session, answer=answer, mode=mode)
        if decision.target is not Target.CLAUDE_CODE or mode not in (Mode.STEER, Mode.INTERRUPT):
            return await entering
        # More than T1: who leaves in the middle of it cuts nothing off.
        task = asyncio.create_task(entering, name=f"enter {submission.user.id}")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._start_alone)
            raise

    def _start_alone(self, entering: asyncio.Task[Taken]) -> None:
        """Start what was accepted although its caller has left; of what was not, the caller has heard nothing."""
        if not entering.cancelled() and entering.exception() is None:
            self.start(entering.result())

    async def _enter(
        self,
        submission: Submission,
        decision: Decision,
        session: Session | None,
        *,
        answer: CommandAnswer | None,
        mode: Mode,
    ) -> Taken:
        if (project := decision.project) is None or not project.shared:
            taken = await self._take(submission, decision, session, answer=answer, mode=mode)
        else:  # the first texts of two of its users must find one conversation
            async with self._gates.setdefault(f"project {project.name}", asyncio.Lock()):
                taken = await self._take(submission, decision, session, answer=answer, mode=mode)
        if mode is Mode.INTERRUPT and decision.target is Target.CLAUDE_CODE and not taken.accepted.duplicate:
            await self._interrupt(taken)
        return taken

    async def _interrupt(self, taken: Taken) -> None:
        """Stop for a message what runs in its lane; where that breaks, it waits like any other."""
        try:
            await self._turns.interrupt_for(taken.lane, taken.accepted.message_id)
        except Exception:
            logger.exception("%s: what runs could not be interrupted for it", taken.accepted.message_id)

    async def _take(
        self,
        submission: Submission,
        decision: Decision,
        session: Session | None,
        *,
        answer: CommandAnswer | None,
        mode: Mode,
    ) -> Taken:
        user, thread, project = submission.user, submission.thread, decision.project
        new_session = None
        lane, session_id = LaneName.of_refused(user.id), None
        if decision.target is Target.CLAUDE_CODE and project is not None:
            session, new_session = await self._conversations.joined(
                submission.user, submission.thread, decision, session
            )
            session_id = session.id if session is not None else new_session.id if new_session is not None else None
            lane = LaneName(session_id)
            if (session or new_session or project).shared:
                submission = replace(submission, note=signed(submission))
        elif decision.target is Target.ASSISTANT:
            lane = LaneName.of_assistant(user.id, thread or submission.channel)
        conversation = None
        if session is not None and (live := self._sessions.live(session.id)) is not None and not self._turns.stopping:
            conversation = live.conversation
        acceptance = Acceptance(
            message_id=MessageId(uuid7()),
            channel=submission.channel,
            account=submission.account,
            dedup_key=submission.dedup_key,
            dedup_seconds=submission.dedup_seconds,
            digest=submission.digest,
            user_id=user.id,
            sender=submission.sender,
            text=decision.text or submission.text,
            note=submission.note,
            context=submission.context,
            thread=thread,
            target=decision.target,
            reason=decision.reason,
            lane=lane,
            session_id=session_id,
            new_session=new_session,
            project=project.name if project is not None else ProjectName(""),
            exclusive=project is not None and not project.concurrent,
            reply=self._named(submission.reply, project, user),
            closes=answer.closes if answer is not None and decision.target is not Target.REFUSED else "",
            raises=answer.raises if answer is not None and decision.target is Target.COMMAND else None,
            gather=mode is Mode.COLLECT and decision.target is Target.CLAUDE_CODE,
            start=conversation is not None,
            identity=conversation.identity if conversation is not None else None,
            now_ms=self._clock(),
        )
        if decision.target in (Target.REFUSED, Target.COMMAND) and submission.reply is not None and decision.reason:
            # MORE goes on in a text that is what its own meta says.
            reply = submission.reply if answer is not None and answer.meta else in_a_sentence(submission.reply)
            draft = OutboxDraft(id=reply_id(acceptance.message_id), reply=reply, text=decision.reason)
            acceptance = replace(acceptance, refusals=(draft,))
        stops_nothing = mode is Mode.INTERRUPT and not self._turns.is_busy(lane)
        place = QueuePlace(acceptance, Mode.FOLLOWUP if stops_nothing else mode)
        steered = joined = False
        if decision.target is Target.CLAUDE_CODE:
            steered = mode is Mode.STEER
            if place.is_told or self._hub.wanted(*place.topics):
                acceptance = replace(acceptance, queued=place.notices)
        # Whether what is sent into a turn waits is known after that alone.
        accepted = await self._write(replace(acceptance, queued=None) if steered else acceptance)
        if steered and accepted.started is None and not accepted.duplicate:
            joined = await self._steer(acceptance)
        if (joined or place.ahead) and not accepted.duplicate:
            self._hub.publish(place.event(submission.dedup_key), place.topics)
        return Taken(
            accepted=accepted,
            decision=decision,
            lane=lane,
            project=acceptance.project,
            session_id=session_id,
            told=bool(acceptance.refusals),
            joined=joined,
        )

    async def _steer(self, acceptance: Acceptance) -> bool:
        """Send a message that was accepted into the turn that runs; False = it waits."""
        try:
            return await self._turns.steer(acceptance)
        except StorageError as error:  # it is accepted: it waits, and its place is not told
            logger.error("%s: whether it joins the running turn could not be stored: %s", acceptance.message_id, error)
            return False

    async def _write(self, acceptance: Acceptance) -> Accepted:
        """T1; a caller that leaves meanwhile leaves no turn behind that nobody runs."""

        def start_alone(accepted: Accepted) -> None:
            if not accepted.duplicate and acceptance.target not in (Target.REFUSED, Target.COMMAND):
                self._turns.kick(acceptance.lane, acceptance.project, accepted.started)

        return await self._store.turns.accept(acceptance, orphaned=start_alone)

    def _named(self, reply: Reply | None, project: Project | None, user: User) -> Reply | None:
        """Make a reply say which project answers, where its reader has more than one."""
        if reply is None or project is None or len(self._projects.of(user)) < 2:
            return reply
        return replace(reply, meta={**reply.meta, "prefix": f"[{project.name}]"})

    def _refuse_overload(self) -> None:
        if self._turns.backlog >= self._max_waiting:
            raise Overloaded
