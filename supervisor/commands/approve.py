"""YES CODE and NO CODE: a person allows or denies one exact tool call by text."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

from supervisor.approvals import wording
from supervisor.approvals.answering import MAX_MINUTES, ApprovalResolver
from supervisor.approvals.approvers import Approvers
from supervisor.approvals.second_factor import answered_by
from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.held import HeldMessages
from supervisor.commands.reading.below import Below, is_doubt
from supervisor.commands.reading.words import Command, Word
from supervisor.people.passphrases import Passphrases
from supervisor.permissions.wording import brief
from supervisor.protocol.errors import ApprovalClosed, NotAllowed
from supervisor.protocol.text.template import as_sentences
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences import commands as say
from supervisor.store.ports.approvals import Approval, ApprovalStore, Refused

_LENGTH_OF_TIME = re.compile(
    r"[-+~<>]?\s*\d[\d.,:½]*\s*(?:m|mins?|minutes?|h|hours?|s|secs?|seconds?|d|days?)?\W*", re.I
)
"""Words behind a code that are meant for a number of minutes. What cannot be understood allows nothing."""


class ApproveCommands:
    """Carries out YES and NO.

    Args:
        held: answers for messages that do not run by themselves.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.YES, Word.NO})

    def __init__(
        self,
        store: ApprovalStore,
        approvers: Approvers,
        resolver: ApprovalResolver,
        passphrases: Passphrases,
        held: HeldMessages,
        clock: Clock = now_ms,
    ) -> None:
        self._clock = clock
        self._store = store
        self._held = held
        self._approvers = approvers
        self._resolver = resolver
        self._passphrases = passphrases

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry out YES CODE, YES CODE MINUTES, YES CODE PASSPHRASE or NO CODE, and say what was done."""
        if command.misplaced:
            told = say.WRITE_ABOVE(word=command.word, code=command.code)
            return CommandAnswer(text=told, shown=command.shown or None)
        if command.loose:
            return await self._answer_loose(command, asker)
        if command.word is Word.YES and command.below is Below.DOUBT:
            return CommandAnswer(text=_alone(command), shown=command.shown)
        approval = await self._store.find(command.code)
        if approval is None and (held := await self._held.answer(command, asker)) is not None:
            return replace(held, shown=command.shown or None)
        if approval is not None and not self._approvers.may_answer(asker.user.id, approval):
            await self._refused(approval, Refused.NOT_ASKED, command, asker)
            approval = None
        text = await self._told(approval, command, asker)
        if command.below in (Below.MORE, Below.DOUBT):
            text = as_sentences(text, say.BELOW_NOT_READ())
        shown = None if _minutes(command.rest) and command.below is Below.NOTHING else command.shown or None
        return CommandAnswer(text=text, shown=shown, session_id=approval.session_id if approval is not None else None)

    async def _told(self, approval: Approval | None, command: Command, asker: Asker) -> str:
        """Carry out a YES or NO and return what its sender is told.

        Args:
            approval: None = the sender may answer no question with this code.
        """
        if approval is None:
            return say.NO_QUESTION(code=command.code)
        try:
            return await self._carry_out(approval, command, asker)
        except ApprovalClosed as closed:
            return as_sentences(str(closed))
        except NotAllowed as refused:
            return as_sentences(str(refused), refused.remedy, say.NOTHING_ALLOWED_YET())

    async def _answer_loose(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Deny what a message denies by its code, or say how to write; None = nothing waits that it could be about."""
        waiting = await self._waiting(command, asker)
        if not waiting:
            return None
        if command.code in waiting:
            denied = await self.answer(Command(Word.NO, command.code), asker)
            assert denied is not None, "a word with a code always means something"
            return replace(denied, text=as_sentences(denied.text, say.REST_NOT_READ()))
        forms = "; or ".join(say.YES_OR_NO(code=code) for code in waiting)
        return CommandAnswer(text=say.WRITE_ONE_OF(forms=forms), shown=command.shown or None)

    async def _waiting(self, command: Command, asker: Asker) -> list[str]:
        """Return the codes of what a loose command may be about: those that it names, else of all open questions."""
        if command.mentioned:
            return [code for code in command.mentioned if await self._may_answer(code, asker)]
        found = await self._store.open_now(now_ms=self._clock())
        return [one.code for one in found if self._approvers.may_answer(asker.user.id, one)]

    async def _may_answer(self, code: str, asker: Asker) -> bool:
        """Return whether a code names a question, open or not, or a held message that the sender may answer."""
        approval = await self._store.find(code)
        if approval is not None:
            return self._approvers.may_answer(asker.user.id, approval)
        return await self._held.waits(code, asker.user.id)

    async def _carry_out(self, approval: Approval, command: Command, asker: Asker) -> str:
        by, channel, way, source = asker.user.id, asker.channel, asker.way, asker.place
        if command.word is Word.NO:
            await self._resolver.resolve(approval, allow=False, by=by, channel=channel, way=way, source=source)
            found = await self._store.find(approval.id)
            if found is not None and found.consumed:
                return say.ASKED_AGAIN(tool=approval.tool, project=wording.named(approval.project))
            return say.DENIED(call=brief(approval.summary))
        minutes, words = _minutes_and_words(command.rest)
        if not words:
            resumed = await self._resolver.resolve(
                approval, allow=True, by=by, channel=channel, way=way, source=source, minutes=minutes
            )
            return _allowed(approval, resumed, minutes)
        if not self._resolver.needs_second_factor(approval, channel, way=way):
            if is_doubt(words) or _LENGTH_OF_TIME.fullmatch(words):
                return _alone(command)
            resumed = await self._resolver.resolve(
                approval, allow=True, by=by, channel=channel, way=way, source=source, minutes=minutes
            )
            return as_sentences(_allowed(approval, resumed, minutes), say.REST_NOT_NEEDED())
        try:
            minutes = await self._proven_minutes(command, asker)
        except NotAllowed:
            await self._refused(approval, Refused.PASSPHRASE, command, asker)
            raise
        channel = f"{answered_by(channel, way)}, passphrase"
        resumed = await self._resolver.resolve_proven(
            approval, allow=True, by=by, channel=channel, source=source, minutes=minutes
        )
        return _allowed(approval, resumed, minutes)

    async def _refused(self, approval: Approval, why: Refused, command: Command, asker: Asker) -> None:
        """Leave an entry in the audit trail about an answer that is refused."""
        allow, by = command.word is Word.YES, asker.user.id
        await self._resolver.refused.note(
            approval, why, allow=allow, by=by, channel=asker.channel, way=asker.way, source=asker.place
        )

    async def _proven_minutes(self, command: Command, asker: Asker) -> int:
        """Check the passphrase behind a YES, and return the minutes in front of it. It may begin with a number itself.

        Raises:
            NotAllowed: it is not the passphrase.
        """
        minutes, words = _minutes_and_words(command.rest)
        if minutes:
            with suppress(NotAllowed):
                await self._passphrases.check(asker.user.id, words)
                return minutes
        await self._passphrases.check(asker.user.id, command.rest)
        return 0


def _alone(command: Command) -> str:
    """Return what a person is told whose yes may be none, because of the words behind or below it."""
    return say.WROTE_MORE(code=command.code, minutes=MAX_MINUTES)


def _allowed(approval: Approval, resumed: bool, minutes: int) -> str:
    call = brief(approval.summary)
    if minutes:
        return say.ALLOWED_FOR(tool=approval.tool, project=wording.named(approval.project), count=minutes, call=call)
    return say.ALLOWED_GOES_ON(call=call) if resumed else say.ALLOWED_ONCE(call=call)


def _minutes_and_words(rest: str) -> tuple[int, str]:
    """Return the minutes (0 = none) and the words behind the code of a YES, such as "30 correct horse"."""
    number, _, words = rest.strip().partition(" ")
    minutes = _minutes(number)
    return (minutes, words.strip()) if minutes is not None else (0, rest.strip())


def _minutes(rest: str) -> int | None:
    """Return the number of minutes that a YES allows; None = the text is no number from 1 to `MAX_MINUTES`."""
    bare = rest.strip().removesuffix(".")
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= len(str(MAX_MINUTES))):
        return None
    return int(bare) if 1 <= int(bare) <= MAX_MINUTES else None
