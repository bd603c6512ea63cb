"""Messages that do not run by themselves, because they may be old or altered: their sender is asked by a code."""

from __future__ import annotations

from typing import Protocol

from supervisor.commands.dispatch import Asker, CommandAnswer, Resumed
from supervisor.commands.reading.words import Command, Word
from supervisor.delivery.replies import quote
from supervisor.protocol.codes import Code, CodeKind
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.sentences import commands as say
from supervisor.store.ports.keys import CodeStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.accounts import User
from supervisor.store.records.turn import Turn

ASKED_MS = DAY_MS
"""How long a held message waits for its YES, in milliseconds."""


class HeldMessage(Protocol):
    """What the question needs of a `Submission`."""

    @property
    def user(self) -> User: ...
    @property
    def channel(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def dedup_key(self) -> str | None: ...
    @property
    def text(self) -> str: ...
    @property
    def doubt(self) -> str: ...


class HeldMessages:
    """Asks about held messages, and carries out YES CODE and NO CODE for them.

    A held message is stored like a command word: with its text, and with the question as its answer. The code names its
    deduplication key.
    """

    def __init__(self, codes: CodeStore, turns: TurnStore, clock: Clock = now_ms) -> None:
        self._codes = codes
        self._turns = turns
        self._clock = clock

    async def ask(self, message: HeldMessage) -> str:
        """Return the question about a message, with a new code."""
        ref = "\n".join((message.channel, message.account, message.dedup_key or ""))
        code = await self._codes.issue(CodeKind.HELD, ref, message.user.id, until_ms=self._clock() + ASKED_MS)
        return say.HELD_QUESTION(why=message.doubt, quoted=quote(message.text), code=code)

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry out YES or NO; None = the code names no held message of the asker."""
        code = await self._codes.find(command.code)
        if code is None or code.kind is not CodeKind.HELD or code.user_id != asker.user.id:
            return None
        if not code.is_open(self._clock()):
            return CommandAnswer(text=say.HELD_CODE_EXPIRED(code=code.code))
        turn = await self.message(code)
        if turn is None:
            return CommandAnswer(text=say.HELD_GONE(code=code.code))
        if command.word is Word.NO:
            return CommandAnswer(text=say.WAS_DROPPED(quoted=quote(turn.text)), closes=code.code)
        resumed = Resumed(session_id=None, text=turn.text, thread=turn.thread, note=turn.note, context=turn.context)
        return CommandAnswer(text=say.RUNS_NOW(quoted=quote(turn.text)), resumed=resumed, closes=code.code)

    async def waits(self, code: str, user_id: UserId) -> bool:
        """Return whether a code names a held message of a user that still waits for an answer."""
        found = await self._codes.find(code)
        if found is None or found.kind is not CodeKind.HELD or found.user_id != user_id:
            return False
        return found.is_open(self._clock())

    async def message(self, code: Code) -> Turn | None:
        """Return the held message of a code; None = it is no longer stored."""
        channel, account, dedup_key = code.ref.split("\n", 2) if code.ref.count("\n") >= 2 else ("", "", "")
        first = await self._turns.known(channel, account, dedup_key, "")
        found = await self._turns.result(first.message_id) if first is not None else None
        return found.turn if found is not None else None
