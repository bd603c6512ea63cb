"""UNDO and UNDO CODE: a person takes back, by text, the last turn that changed files."""

from __future__ import annotations

import re

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.words import Command, Word
from supervisor.delivery.replies import quote
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Store
from supervisor.store.ports.changes import ChangedTurn
from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.undo import NAMED, Undo, UndoDirection, named

ASKED_MS = 900_000
"""How long a code of UNDO counts."""


MOST_PATHS = 200
"""Characters of the list of paths where all are plain: the answer fits four segments of an SMS."""

MOST_OTHER_PATHS = 60
"""The same where one character makes the SMS one of 67 characters a segment."""

PLAIN = re.compile(r"[A-Za-z0-9 @$!\"#%&'()*+,./:;<=>?_-]*")
"""Characters that take one place in an SMS."""


class UndoCommands:
    """Carries it out for a user: a bare UNDO only asks, with the list of files and a code.

    Attributes:
        words: what it carries out.
    """

    words = frozenset({Word.UNDO})

    def __init__(self, store: Store, undo: Undo, clock: Clock = now_ms) -> None:
        self._store = store
        self._undo = undo
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Ask, or carry out what was asked about.

        Raises:
            XswarmError: it was refused; the code still counts.
        """
        try:
            if command.code:
                return await self._carry_out(command.code, asker.user.id)
            return CommandAnswer(text=await self._ask(asker.user.id))
        except CheckpointFailed as error:
            return CommandAnswer(text=f"Not undone: {error.why}. {error.remedy}".strip())

    async def _ask(self, user_id: UserId) -> str:
        turn = await self._store.changes.last_of_user(user_id, since_ms=self._undo.since_ms())
        if turn is None:
            return "None of your messages has changed a file that could be taken back."
        would = await self._undo.take_back(turn, user_id, dry_run=True, direction=UndoDirection.BACK)
        if not would.paths:
            return f"What your message {quote(turn.text)} changed is not there any more: nothing to undo."
        code = await self._issue(turn, UndoDirection.BACK, user_id)
        files = f"{len(would.paths)} file{'s' if len(would.paths) != 1 else ''} in {turn.project}"
        files += f": {_short(would.paths, turn.text)}"
        return f"Your message {quote(turn.text)} changed {files}. Reply UNDO {code} to take that back."

    async def _carry_out(self, text: str, user_id: UserId) -> CommandAnswer:
        code = await self._store.codes.find(text)
        if code is None or code.kind is not CodeKind.UNDO or code.user_id != user_id:
            return CommandAnswer(text=f"Nothing of yours can be undone under {text}. Nothing was touched.")
        if code.closed_ms is not None:
            return CommandAnswer(text=f"The code {text} was used already. Nothing was touched.")
        if not code.is_open(self._clock()):
            return CommandAnswer(text=f"The code {text} counts no more: send UNDO again. Nothing was touched.")
        message_id, _, way = code.ref.partition("/")
        turn = await self._store.changes.of_message(MessageId(message_id))
        if turn is None:
            return CommandAnswer(text="That message is not known any more. Nothing was touched.", closes=text)
        done = await self._undo.take_back(turn, user_id, direction=UndoDirection(way))
        other = UndoDirection.AGAIN if done.direction is UndoDirection.BACK else UndoDirection.BACK
        back = await self._issue(turn, other, user_id)
        what = "Taken back" if done.direction is UndoDirection.BACK else "Brought back"
        return CommandAnswer(
            text=f"{what}: {_short(done.paths, '') or 'nothing'}. UNDO {back} reverses this.", closes=text
        )

    async def _issue(self, turn: ChangedTurn, way: UndoDirection, user_id: UserId) -> str:
        until_ms = self._clock() + ASKED_MS
        return await self._store.codes.issue(CodeKind.UNDO, f"{turn.message_id}/{way}", user_id, until_ms=until_ms)


def _short(paths: tuple[str, ...], beside: str) -> str:
    """Return the paths in a sentence that also holds another text."""
    plain = all(PLAIN.fullmatch(text) for text in (*paths[:NAMED], " ".join(beside.split())))
    return named(paths, most=MOST_PATHS if plain else MOST_OTHER_PATHS)
