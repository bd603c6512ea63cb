"""UNDO and UNDO CODE: a person reverts the last turn that changed files."""

from __future__ import annotations

import re

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.reading.words import Command, Word
from supervisor.delivery.replies import quote
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.text.template import as_sentences
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences import commands as say
from supervisor.store.ports.changes import ChangedTurn, ChangeStore
from supervisor.store.ports.keys import CodeStore
from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.undo import Undo, UndoDirection
from supervisor.undo.wording import MAX_NAMED, name_paths

ASKED_MS = 900_000
"""How long a code of UNDO is valid, in milliseconds."""

MOST_PATHS = 200
"""Characters of the list of paths if all are in the GSM alphabet: the answer then fits four segments of an SMS."""

MOST_OTHER_PATHS = 60
"""The same if one character is not: a segment then holds 67 characters instead of 153."""

PLAIN = re.compile(r"[A-Za-z0-9 @$!\"#%&'()*+,./:;<=>?_-]*")
"""Text whose characters all take one place in an SMS of the GSM alphabet."""


class UndoCommands:
    """Carries out UNDO: without a code it only asks, with the list of files and a code.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.UNDO})

    def __init__(self, codes: CodeStore, changes: ChangeStore, undo: Undo, clock: Clock = now_ms) -> None:
        self._codes = codes
        self._changes = changes
        self._undo = undo
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Ask whether to undo, or with a code undo what was asked about.

        Raises:
            XswarmError: the undo was refused; the code stays valid.
        """
        try:
            if command.code:
                return await self._carry_out(command.code, asker.user.id)
            return CommandAnswer(text=await self._ask(asker.user.id))
        except CheckpointFailed as error:
            return CommandAnswer(text=as_sentences(say.NOT_UNDONE(why=error.why), error.remedy))

    async def _ask(self, user_id: UserId) -> str:
        turn = await self._changes.last_of_user(user_id, since_ms=self._undo.since_ms())
        if turn is None:
            return say.NOTHING_CHANGED()
        would = await self._undo.take_back(turn, user_id, dry_run=True, direction=UndoDirection.BACK)
        if not would.paths:
            return say.ALREADY_GONE(quoted=quote(turn.text))
        code = await self._issue(turn, UndoDirection.BACK, user_id)
        return say.ASK_UNDO(
            quoted=quote(turn.text),
            count=len(would.paths),
            project=turn.project,
            paths=_short(would.paths, turn.text),
            code=code,
        )

    async def _carry_out(self, text: str, user_id: UserId) -> CommandAnswer:
        code = await self._codes.find(text)
        if code is None or code.kind is not CodeKind.UNDO or code.user_id != user_id:
            return CommandAnswer(text=say.NO_CHANGE_HAS_CODE(code=text))
        if code.closed_ms is not None:
            return CommandAnswer(text=say.UNDO_CODE_USED(code=text))
        if not code.is_open(self._clock()):
            return CommandAnswer(text=say.UNDO_CODE_EXPIRED(code=text))
        message_id, _, direction = code.ref.partition("/")
        turn = await self._changes.of_message(MessageId(message_id))
        if turn is None:
            return CommandAnswer(text=say.UNDO_MESSAGE_GONE(), closes=text)
        done = await self._undo.take_back(turn, user_id, direction=UndoDirection(direction))
        other = UndoDirection.AGAIN if done.direction is UndoDirection.BACK else UndoDirection.BACK
        back = await self._issue(turn, other, user_id)
        words = say.TAKEN_BACK if done.direction is UndoDirection.BACK else say.BROUGHT_BACK
        return CommandAnswer(text=words(paths=_short(done.paths, "") or "nothing", code=back), closes=text)

    async def _issue(self, turn: ChangedTurn, direction: UndoDirection, user_id: UserId) -> str:
        until_ms = self._clock() + ASKED_MS
        return await self._codes.issue(CodeKind.UNDO, f"{turn.message_id}/{direction}", user_id, until_ms=until_ms)


def _short(paths: tuple[str, ...], beside: str) -> str:
    """Return the list of paths, cut so that it fits an SMS together with the text beside it."""
    plain = all(PLAIN.fullmatch(text) for text in (*paths[:MAX_NAMED], " ".join(beside.split())))
    return name_paths(paths, most=MOST_PATHS if plain else MOST_OTHER_PATHS)
