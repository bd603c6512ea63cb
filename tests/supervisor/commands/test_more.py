"""MORE: the next part of the text that was cut."""

from __future__ import annotations

from pathlib import Path

from supervisor.commands.dispatch import Asker
from supervisor.commands.more import MoreCommands
from supervisor.commands.reading.words import Command, Word
from supervisor.delivery.outbound import outbound_of
from supervisor.protocol.messages import VERBATIM, Address, OutboxId, Reply, UserId
from supervisor.store.records.outbox import OutboxDraft
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import text_message

PHONE = Address(kind="sms", value="+15550100")


async def test_more_with_nothing_left_says_so(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        asker = Asker(user=core.directory.user("alice"), channel="sms", sender=PHONE)
        told = await MoreCommands(core.store.outbox, core.store.approvals, core.approvers).answer(
            Command(Word.MORE), asker
        )
        assert told.text == "There is nothing more."


async def test_more_continues_the_text_that_was_cut(tmp_path: Path) -> None:
    """The offset counts the project's name too, and a question is no Markdown in its second part either."""
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        meta = {"prefix": "[site]", "footer": "(3 s)", VERBATIM: True}
        reply = Reply(channel="sms", to=Address(kind="sms", value=ALICE_PHONE), meta=meta)
        draft = OutboxDraft(id=OutboxId("r1"), reply=reply, text="rm *old* " * 90)
        await core.store.outbox.add(draft, user_id=UserId("alice"), now_ms=1)
        cut = await core.store.outbox.begin(draft.id, now_ms=1)
        assert cut is not None
        await core.store.outbox.sent(draft.id, "p1", "more:500", (), now_ms=1)
        await core.intake.accept(text_message("MORE"))
        (rest,) = await core.store.outbox.due("sms", now_ms=2**60, limit=9)
        assert outbound_of(rest).text == outbound_of(cut).text
        assert rest.meta == {**meta, "offset": 500}
