"""MORE: sends the next part of the last answer that was too long for one message."""

from __future__ import annotations

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.words import Command, Word
from supervisor.store.ports.outbox import OutboxStore


class MoreCommands:
    """Carries out MORE.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.MORE})

    def __init__(self, outbox: OutboxStore) -> None:
        self._outbox = outbox

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Return the same text again, with the offset at which the channel cut it."""
        row = await self._outbox.last_cut(asker.channel, asker.sender)
        offset = row.note.removeprefix("more:") if row is not None else ""
        if row is None or not offset.isdecimal():
            return CommandAnswer(text="There is nothing more.")
        # The meta must be that of the first part: the offset counts characters of the text made with it.
        return CommandAnswer(text=row.text, meta={**row.meta, "offset": int(offset)})
