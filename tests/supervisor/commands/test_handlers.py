"""Every command word has one handler."""

from __future__ import annotations

from pathlib import Path

from supervisor.commands.dispatch import Asker
from supervisor.commands.handlers import build_dispatcher
from supervisor.commands.held import HeldMessages
from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.messages import Address
from tests.supervisor.harness import ALICE_PHONE, Core


async def test_each_word_has_one_handler_and_is_passed_to_it(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        dispatcher = build_dispatcher(  # it raises where a word has no handler, or two
            core.store,
            approvers=core.approvers,
            resolver=core.approval_resolver,
            held=HeldMessages(core.store.codes, core.store.turns),
            undo=core.undo,
            spending=core.spending,
            turns=core.turns,
            projects=core.projects,
            sessions=core.sessions,
        )
        asker = Asker(user=core.directory.user("alice"), channel="sms", sender=Address(kind="sms", value=ALICE_PHONE))
        answer = await dispatcher.answer(Command(Word.STATUS), asker)
        assert answer is not None
        assert answer.text
