"""CONTINUE, RETRY and DROP: a person decides what becomes of an interrupted turn."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.approvals.answering import ApprovalResolver
from supervisor.commands.dispatch import Asker, CommandAnswer, Resumed
from supervisor.commands.reading.words import Command, Word
from supervisor.delivery.replies import quote
from supervisor.protocol.codes import Code, CodeKind
from supervisor.protocol.errors import SessionNotFound
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences import commands as say
from supervisor.sentences.turns import CANNOT_GO_ON
from supervisor.store.ports.keys import CodeStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.turn import Turn

GO_ON = (
    "Your work on the message {quoted} was interrupted when the daemon was restarted. Check first what it had done, "
    "and which of its tool calls took effect; then go on with it."
)
"""The prompt of CONTINUE. Claude Code itself marks the tool calls whose result was lost."""

AGAIN = "The call {allowed} is allowed now, once: make exactly the same call again."
"""What the prompt says besides where a person has allowed a call of the turn."""


def continued(turn: Turn, session_id: SessionId, *, allowed: str = "") -> Resumed:
    """Return the prompt that continues the work of an interrupted turn.

    Args:
        allowed: a call that was allowed in answer to the question of the turn; empty = there is none.
    """
    text = GO_ON.format(quoted=quote(turn.text))
    if allowed:
        text += f" {AGAIN.format(allowed=allowed)}"
    return Resumed(session_id=session_id, text=text, turn_id=turn.id)


class ResumeCommands:
    """Carries out CONTINUE, RETRY and DROP.

    Args:
        questions: withdraws the questions of a turn whose user has decided about it.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.CONTINUE, Word.RETRY, Word.DROP})

    def __init__(
        self,
        codes: CodeStore,
        turns: TurnStore,
        sessions: SessionStore,
        questions: ApprovalResolver,
        clock: Clock = now_ms,
    ) -> None:
        self._codes = codes
        self._turns = turns
        self._sessions = sessions
        self._questions = questions
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry out a word; None = it has no code, and the user has no interrupted turn.

        Raises:
            SessionNotFound: the session cannot continue; the code stays valid.
        """
        if command.code:
            code = await self._codes.find(command.code)
            if code is None or code.kind is not CodeKind.TURN or code.user_id != asker.user.id:
                return CommandAnswer(text=say.NOT_INTERRUPTED(code=command.code))
            if code.closed_ms is not None:
                return CommandAnswer(text=say.CODE_USED(code=code.code))
            if not code.is_open(self._clock()):
                return CommandAnswer(text=say.CODE_EXPIRED(code=code.code))
        else:
            waiting = await self._codes.open_of(asker.user.id, CodeKind.TURN, now_ms=self._clock())
            if len(waiting) > 1:
                return CommandAnswer(text=await self._list(command.word, waiting))
            if not waiting:
                return None
            code = waiting[0]
        return await self._carry_out(command.word, code)

    async def _carry_out(self, word: Word, code: Code) -> CommandAnswer:
        """Carry out a word for the turn of an open code, which T1 closes with it."""
        turn = await self._turn(code)
        if turn is None or turn.session_id is None:
            return CommandAnswer(text=say.MESSAGE_GONE(), closes=code.code)
        if word is not Word.DROP and not await self._resumes(turn.session_id):
            return CommandAnswer(text=CANNOT_GO_ON(quoted=quote(turn.text)))
        # Before T1: if T1 fails the code stays open, and the work asks again what it still needs.
        await self._questions.replace(turn.id, keep_allowed=word is Word.CONTINUE)
        if word is Word.DROP:
            return CommandAnswer(text=say.WAS_DROPPED(quoted=quote(turn.text)), closes=code.code)
        if word is Word.RETRY:
            resumed = Resumed(session_id=turn.session_id, text=turn.text, note=turn.note, context=turn.context)
            told = say.RUNS_AGAIN(quoted=quote(turn.text))
        else:
            resumed = continued(turn, turn.session_id)
            told = say.CONTINUES(quoted=quote(turn.text))
        return CommandAnswer(text=told, resumed=resumed, closes=code.code)

    async def _resumes(self, session_id: SessionId) -> bool:
        """Return whether the next prompt starts a session again.

        Raises:
            SessionNotFound: it has no record.
        """
        session = await self._sessions.get(session_id)
        if session is None:
            raise SessionNotFound(session_id)
        return session.resumes_by_itself

    async def _list(self, word: Word, waiting: Sequence[Code]) -> str:
        turns = [(code, await self._turn(code)) for code in waiting]
        lines = [
            say.FOR_MESSAGE(word=word, code=code.code, quoted=quote(turn.text))
            for code, turn in turns
            if turn is not None
        ]
        return "\n".join([say.SEVERAL_INTERRUPTED(), *lines])

    async def _turn(self, code: Code) -> Turn | None:
        found = await self._turns.result(MessageId(code.ref))
        return found.turn if found is not None else None
