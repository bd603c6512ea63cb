"""Takes messages of people: who writes, rate limits, command words, routing; then T1 by the `Acceptor`."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from supervisor.commands.dispatch import Asker, CommandAnswer, CommandDispatcher, Resumed
from supervisor.commands.held import HeldMessages
from supervisor.commands.reading.words import READING, Command
from supervisor.intake.acceptor import Acceptor
from supervisor.intake.admission import Admission
from supervisor.intake.dropped import DroppedMessages, MessageNotKept
from supervisor.intake.reading import is_command, read
from supervisor.intake.submission import RoutedSubmission, Submission, Taken
from supervisor.people.identity import Directory
from supervisor.people.projects import Project
from supervisor.people.rate_limits import RateLimits, too_many
from supervisor.protocol.errors import RateLimited, StorageError, XswarmError
from supervisor.protocol.messages import Address, Inbound, MessageId, Receipt, UserId, well_formed
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Target
from supervisor.protocol.text.template import as_sentences
from supervisor.routing.conversations import Conversations
from supervisor.routing.rules import Decision
from supervisor.sentences import commands
from supervisor.sentences import intake as say
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.records.acceptance import RateLimit
from supervisor.store.records.accounts import Actor, User
from supervisor.store.records.session import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command word that changes nothing, and that is carried out outside of its sender's lock."""

    command: Command


class Intake:
    """Accepts messages of people and of the services that pass them on; returns only after the commit.

    Args:
        mode: `[queue] mode`, for messages of people that name none.
    """

    def __init__(
        self,
        *,
        directory: Directory,
        conversations: Conversations,
        admission: Admission,
        rates: RateLimits,
        commands: CommandDispatcher,
        held: HeldMessages,
        dropped: DroppedMessages,
        acceptor: Acceptor,
        mode: Mode = Mode.FOLLOWUP,
    ) -> None:
        self._directory = directory
        self._conversations = conversations
        self._admission = admission
        self._rates = rates
        self._commands = commands
        self._held = held
        self._dropped = dropped
        self._acceptor = acceptor
        self._mode = mode
        self._user_locks: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()

    def knows(self, sender: Address) -> bool:
        """Return whether a user has an address."""
        return self._directory.by_address(sender) is not None

    async def accept(self, inbound: Inbound) -> Receipt:
        """Accept a message that a channel hands in, and start it.

        Raises:
            StorageError: nothing was accepted.
        """
        return await self._accept(inbound, limited=True)

    async def was_accepted(self, inbound: Inbound) -> bool:
        """Return whether a message was accepted under the deduplication key of this one.

        Raises:
            StorageError: the store could not be read.
        """
        return await self._acceptor.was_accepted(inbound)

    async def _accept(self, inbound: Inbound, *, limited: bool) -> Receipt:
        user, sender = self._directory.by_address(inbound.sender), str(inbound.sender)
        if user is None:
            await self._dropped.record(inbound.channel, sender, "nobody has this address")
            return Receipt(message_id=None)
        if self._is_told_already(inbound):
            await self._dropped.record(inbound.channel, sender, inbound.automatic, inbound)
            return Receipt(message_id=None)
        taken = await self.submit(
            Submission(
                user=user,
                channel=inbound.channel,
                account=inbound.account,
                sender=inbound.sender,
                text=well_formed(inbound.text).strip(),
                note=inbound.note,
                subject=well_formed(inbound.subject),
                doubt=inbound.doubt,
                automatic=inbound.automatic,
                unreadable=inbound.unreadable,
                thread=inbound.thread or "",
                reply=inbound.reply,
                dedup_key=inbound.dedup_key,
                digest=inbound.digest,
                limited=limited,
                commands=True,
                way=inbound.channel,
            )
        )
        self._acceptor.start(taken)
        if taken.decision.target is Target.REFUSED and not taken.accepted.duplicate:
            why = inbound.automatic or taken.decision.reason or "its sender is over the rate limit"
            await self._dropped.record(inbound.channel, sender, why, inbound)
        return Receipt(message_id=taken.accepted.message_id, duplicate=taken.accepted.duplicate)

    def _is_told_already(self, inbound: Inbound) -> bool:
        """Return whether a message looks automatic, and the people of its thread were told so within the hour."""
        if not inbound.automatic or is_command(inbound.text, inbound.subject):
            return False
        return not self._rates.tell_thread(inbound.channel, inbound.thread or "")

    async def let_in(self, dropped_id: int, by: Actor = THE_OPERATOR) -> MessageId:
        """Accept a message that was dropped, because an operator or an administrator says so; return its id.

        Raises:
            MessageNotFound: no dropped message has this number.
            MessageNotKept: it is not kept, or no user has its address.
            Overloaded, StorageError: nothing was accepted.
        """
        inbound = await self._dropped.take(dropped_id)
        if not self.knows(inbound.sender):
            raise MessageNotKept(dropped_id, f"no user has the address {inbound.sender.value}")
        receipt = await self._accept(inbound, limited=False)
        assert receipt.message_id is not None, "it has a sender, and does not look automatic"
        await self._dropped.let_in(dropped_id, receipt.message_id, by)
        return receipt.message_id

    async def dropped(self, channel: str, sender: str, why: str, message: Inbound | None = None) -> None:
        """Record a message that is not accepted and gets no answer.

        Args:
            message: what an operator may let in; None = it cannot be let in.

        Raises:
            StorageError: nothing was recorded.
        """
        await self._dropped.record(channel, sender, why, message)

    async def decide(self, user: User, channel: str, message: str) -> Decision:
        """Return where a message of a user would go, and why; changes nothing."""
        return await self._conversations.decide(user, channel, "", message)

    async def submit(self, submission: Submission, decision: Decision | None = None) -> Taken:
        """Decide what a message is for and accept it; the caller then passes the result to `Acceptor.start`.

        Args:
            decision: the result of an earlier `decide`; None = decide now.

        Raises:
            RateLimited: the user has sent too many messages, and a caller waits.
            Overloaded: too many turns are queued.
            StorageError: nothing was accepted.
        """
        submission, command = read(submission, self._mode)
        # One message of a user at a time: two first messages must find one conversation, and a duplicate its original.
        async with self._user_locks.setdefault(submission.user.id, asyncio.Lock()):
            taken = await self._submit(submission, command, decision)
        if isinstance(taken, _Asked):  # a slow query of STATUS or COST holds up no other message of the user
            answer = await self._carry_out(taken.command, submission)
            assert answer is not None, "a word that changes nothing always means something"
            taken = await self._acceptor.accept(await self._answered(submission, answer))
        return taken

    async def prompt(self, session: Session, project: Project | None, submission: Submission) -> Taken:
        """Accept a caller's prompt for one session, without routing; see `Acceptor.prompt`.

        Raises:
            RateLimited: the user has sent too many messages.
            Overloaded: too many turns are queued.
            StorageError: nothing was accepted.
        """
        if submission.limited:
            if (first := await self._acceptor.known(submission)) is not None:
                return first
            self._acceptor.check_capacity()
        limit = self._admission.limit(submission)
        return await self._acceptor.prompt(session, project, submission, limit)

    async def _submit(
        self, submission: Submission, command: Command | None, decision: Decision | None
    ) -> Taken | _Asked:
        # Before the limits and the command: a duplicate counts against no limit, and no command runs twice.
        if (submission.limited or command is not None) and (
            first := await self._acceptor.known(submission)
        ) is not None:
            return first
        if submission.waits or not submission.limited:
            self._acceptor.check_capacity()
        limit = self._admission.limit(submission, command)
        if decision is not None:
            return await self._acceptor.accept(RoutedSubmission(submission=submission, decision=decision, limit=limit))
        try:
            return await self._enter(submission, command, limit)
        except RateLimited as over:
            if submission.waits:
                raise
            return await self._acceptor.accept(self._refuse(submission, command, over.retry_after or 0.0))

    async def _enter(self, submission: Submission, command: Command | None, limit: RateLimit | None) -> Taken | _Asked:
        """Act on a command word, decide where the message goes, and accept it.

        Raises:
            RateLimited: the user has sent too many messages; nothing was done.
        """
        if (reason := _started_by_nobody(submission)) and (command is None or command.loose):
            decision = Decision(target=Target.REFUSED, reason=reason, text="")
            return await self._acceptor.accept(RoutedSubmission(submission=submission, decision=decision, limit=limit))
        if command is None and not (submission.doubt and submission.text):
            routed = await self._route(submission, None)
            assert isinstance(routed, RoutedSubmission), "it is no command word"
            return await self._acceptor.accept(replace(routed, limit=limit))
        async with self._admission.acting(submission, command, limit) as first:
            if first is not None:
                return Taken.again(first)
            routed = await self._route(submission, command)
            return routed if isinstance(routed, _Asked) else await self._acceptor.accept(routed)

    async def _route(self, submission: Submission, command: Command | None) -> RoutedSubmission | _Asked:
        """Decide about a message: command word, empty text, routing rules, in this order."""
        if submission.doubt and (command is not None or submission.text):
            return await self._answered(submission, await self._hold(submission, command))
        if command is not None and command.word in READING:
            return _Asked(command)
        if command is not None and (answer := await self._carry_out(command, submission)) is not None:
            return await self._answered(submission, answer)
        if not submission.text:
            decision = Decision(target=Target.REFUSED, reason=say.NO_TEXT(), text="")
        else:
            decision = await self._conversations.decide(
                submission.user,
                submission.channel,
                submission.thread,
                submission.text,
                follows=submission.commands,
                joins=submission.joins,
            )
        return RoutedSubmission(submission=submission, decision=decision)

    def _refuse(self, submission: Submission, command: Command | None, retry_after: float) -> RoutedSubmission:
        """Refuse a message over the rate limit; its sender is told once per wait."""
        reason = too_many(retry_after) if self._rates.tell(submission.user.id, retry_after) else ""
        shown = "" if command is None else command.shown  # a passphrase in it must not be stored
        decision = Decision(target=Target.REFUSED, reason=reason, text=shown)
        return RoutedSubmission(submission=submission, decision=decision)

    async def _hold(self, submission: Submission, command: Command | None) -> CommandAnswer:
        """Return the question about a message that may not be its sender's; a command word is only refused."""
        if command is not None:
            told = commands.NOT_CARRIED_OUT(word=command.word, why=submission.doubt)
            return CommandAnswer(text=told, shown=command.shown or None)
        return CommandAnswer(text=await self._held.ask(submission))

    async def _carry_out(self, command: Command, submission: Submission) -> CommandAnswer | None:
        """Carry out a command word; None = it means nothing now, and the message is an ordinary one."""
        asker = Asker(
            user=submission.user,
            channel=submission.channel,
            sender=submission.sender,
            way=submission.way,
            source=submission.source,
        )
        try:
            return await self._commands.answer(command, asker)
        except StorageError:
            raise  # not accepted: the provider delivers the message again
        except XswarmError as refused:
            return CommandAnswer(text=as_sentences(str(refused), refused.remedy))

    async def _answered(self, submission: Submission, answer: CommandAnswer) -> RoutedSubmission:
        """Return what a command word becomes: the prompt that it stands for, or a stored answer."""
        if (resumed := answer.resumed) is not None:
            decision = await self._decide_again(submission, resumed)
            thread = resumed.thread or submission.thread
            submission = replace(submission, note=resumed.note, context=resumed.context, thread=thread)
        else:
            shown = submission.text if answer.shown is None else answer.shown
            decision = Decision(target=Target.COMMAND, reason=answer.text, text=shown, session_id=answer.session_id)
            submission = submission.with_reply_meta(answer.meta)
        return RoutedSubmission(submission=submission, decision=decision, answer=answer)

    async def _decide_again(self, submission: Submission, resumed: Resumed) -> Decision:
        """Return where a prompt goes that is accepted instead of a command word."""
        user, channel = submission.user, submission.channel
        if resumed.session_id is not None:
            return await self._conversations.again(user, channel, resumed.session_id, resumed.text)
        return await self._conversations.decide(user, channel, resumed.thread, resumed.text, follows=True)


def _started_by_nobody(submission: Submission) -> str:
    """Return what the sender of a message is told that a person may not have written as a request; empty = it runs."""
    if submission.automatic:
        return say.AUTOMATIC(why=submission.automatic)
    return submission.unreadable
