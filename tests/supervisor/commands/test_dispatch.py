"""The dispatcher: each word has exactly one handler, and gets its command."""

from __future__ import annotations

import pytest

from supervisor.commands.dispatch import Asker, CommandAnswer, CommandDispatcher
from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User

ALICE = Asker(
    user=User(id=UserId("alice"), name="Alice", role=Role.ADMIN),
    channel="sms",
    sender=Address(kind="sms", value="+15550100"),
)


class Echo:
    """Answers with its name and the word."""

    def __init__(self, name: str, *words: Word) -> None:
        self.words = frozenset(words)
        self._name = name

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        return CommandAnswer(text=f"{self._name}: {command.word} of {asker.user.id}")


async def test_a_command_goes_to_the_handler_of_its_word() -> None:
    others = [word for word in Word if word is not Word.STATUS]
    dispatcher = CommandDispatcher([Echo("status", Word.STATUS), Echo("others", *others)])
    told = await dispatcher.answer(Command(Word.STATUS), ALICE)
    assert told is not None
    assert told.text == "status: STATUS of alice"


def test_a_word_without_a_handler_stops_the_start() -> None:
    with pytest.raises(AssertionError, match="no handler carries out ADD, COST"):
        CommandDispatcher([Echo("most", *(set(Word) - {Word.ADD, Word.COST}))])


def test_a_word_with_two_handlers_stops_the_start() -> None:
    with pytest.raises(AssertionError, match="two handlers carry out MORE"):
        CommandDispatcher([Echo("all", *Word), Echo("more", Word.MORE)])
