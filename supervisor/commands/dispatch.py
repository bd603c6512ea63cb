"""The dispatcher of command words, and the values that their handlers take and return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.messages import Address, SessionId
from supervisor.protocol.values.record import record
from supervisor.store.records.acceptance import Raise
from supervisor.store.records.accounts import User


@record
class Asker:
    """Who sent a command word, and by which channel.

    Attributes:
        sender: the address that it came from; a second factor must come by another channel.
        way: how they proved who they are, as in `Acceptance`.
        source: the IP address of their program; empty = not known, or there is none.
    """

    user: User
    channel: str
    sender: Address
    way: str = ""
    source: str = ""

    @property
    def place(self) -> str:
        """From where they wrote, for the audit trail: an IP address, a phone number or a mail address."""
        return self.source or self.sender.value


@record
class Resumed:
    """A prompt that is accepted instead of the command word, for CONTINUE, RETRY and the YES to a held message.

    Attributes:
        session_id: the session that the prompt goes to; None = it is routed like a new message.
        thread: as in `Submission`; used where `session_id` is None.
        note, context: as in `Turn`.
        turn_id: the interrupted turn whose work the prompt continues; None = it starts the work anew.
    """

    session_id: SessionId | None
    text: str
    thread: str = ""
    turn_id: int | None = None
    note: str = ""
    context: Mapping[str, Any] | None = None


@record
class CommandAnswer:
    """The result of a command word.

    Attributes:
        text: what the sender is told, unless `raises` gives another text.
        session_id: the session whose question was answered; None = the word answered no question.
        meta: entries added to the meta of the reply.
        shown: the command as it may be stored and shown; None = as it was written.
        closes: a code that T1 closes in the transaction that accepts the word; empty = none.
        raises: what T1 adds to a limit in that transaction.
        silent: the sender is told `text` by another reply; it is only stored.
        resumed: the prompt that is accepted instead of the word. `text` acknowledges it, where it is not queued.
    """

    text: str = ""
    session_id: SessionId | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    shown: str | None = None
    closes: str = ""
    raises: Raise | None = None
    resumed: Resumed | None = None
    silent: bool = False


class Handler(Protocol):
    """Carries out some of the command words."""

    @property
    def words(self) -> frozenset[Word]:
        """The words that it carries out."""

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry out a command; None = it means nothing now, and the message is an ordinary one.

        Raises:
            XswarmError: the command was refused; the sender is told the error and its remedy.
            StorageError: nothing was done.
        """


class CommandDispatcher:
    """Passes each command to the handler of its word.

    Args:
        handlers: together they carry out every word, each word once.
    """

    def __init__(self, handlers: Sequence[Handler]) -> None:
        self._handlers: dict[Word, Handler] = {}
        for handler in handlers:
            for word in handler.words:
                if word in self._handlers:
                    raise AssertionError(f"two handlers carry out {word}")
                self._handlers[word] = handler
        if missing := set(Word) - self._handlers.keys():
            raise AssertionError(f"no handler carries out {', '.join(sorted(missing))}")

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry out a command and return its result; None = the message is an ordinary one.

        Raises:
            XswarmError: the command was refused.
            StorageError: nothing was done.
        """
        return await self._handlers[command.word].answer(command, asker)
