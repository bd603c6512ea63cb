"""Command words: which part of the daemon carries each of them out, and what its sender is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from supervisor.commands.words import Command, Word
from supervisor.protocol.messages import Address, SessionId
from supervisor.store.records.acceptance import Raise
from supervisor.store.records.accounts import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who sent a command word, and by which way; a second factor must come by another one."""

    user: User
    channel: str
    sender: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A prompt that a command word stands for: it is accepted in place of the word, and answered to its sender.

    Attributes:
        session_id: which goes on with it.
        note, context: as in `Turn`.
    """

    session_id: SessionId
    text: str
    note: str = ""
    context: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswer:
    """What a command word answers.

    Attributes:
        text: what the sender is told, unless `raises` tells something else.
        session_id: whose question it answers, where it answers one.
        meta: what the channel needs to know of it besides.
        shown: the command as it may be stored and shown; None = as it was written.
        closes: a code that counts no more, from the transaction on that accepts the word.
        raises: what is added to a limit in that transaction.
        resumed: what is accepted instead of the word; `text` is then told to nobody.
    """

    text: str = ""
    session_id: SessionId | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    shown: str | None = None
    closes: str = ""
    raises: Raise | None = None
    resumed: Resumed | None = None


class Handler(Protocol):
    """Carries out some of the words."""

    @property
    def words(self) -> frozenset[Word]:
        """Which."""

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry a command out; None = it means nothing now, and the message is an ordinary one.

        Raises:
            XswarmError: it was refused; the sentence and the remedy are what the sender is told.
            StorageError: nothing was done.
        """


class CommandDispatcher:
    """Carries out command words for a user.

    Args:
        handlers: each word has at most one.
    """

    def __init__(self, handlers: Sequence[Handler]) -> None:
        self._handlers = {word: handler for handler in handlers for word in handler.words}

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry out a command and return what its sender is told; None = the message is an ordinary one.

        Raises:
            StorageError: nothing was done.
        """
        handler = self._handlers.get(command.word)
        return await handler.answer(command, asker) if handler is not None else None
