"""Messages that start nothing: their senders are told once, operators see all of them and can let one in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config import Limits
from supervisor.intake.dropped import MAX_KEPT, MessageNotKept
from supervisor.protocol.errors import MessageNotFound
from supervisor.protocol.messages import Inbound
from supervisor.protocol.status import Target, TurnState
from supervisor.store.ports.audit import DroppedMessage
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import result, scripted, state, text_message
from tests.waiting import until

LOOP = "its thread has more than 20 answers, as a loop of automatic answers has"


def core_with(folder: Path, **settings: object) -> Core:
    """Return a core whose connectors are scripted."""
    return Core(folder, connector=ScriptedConnector(), assistant=ScriptedConnector(), **settings)  # type: ignore[arg-type]


def mail(text: str, *, thread: str = "<1>", automatic: str = "") -> Inbound:
    """Return a mail of alice."""
    return replace(text_message(text, phone=ALICE_MAIL, channel="mail", thread=thread), automatic=automatic)


async def listed(core: Core) -> list[DroppedMessage]:
    """Return the dropped mails, oldest first."""
    return (await core.store.dropped.list("mail", limit=1000))[::-1]


async def test_a_mail_in_a_long_thread_is_answered_once_with_the_reason_and_listed(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        first = await core.intake.accept(mail("claude: hello", automatic=LOOP))
        assert (await result(core, first.message_id)).turn.target is Target.REFUSED
        (told,) = await core.store.outbox.due("mail", now_ms=2**60, limit=9)
        assert told.text.startswith(f"Your message was not worked on, because {LOOP}. Start a new mail")
        second = await core.intake.accept(mail("claude: again", automatic=LOOP))
        assert second.message_id is None
        elsewhere = await core.intake.accept(mail("claude: hello", automatic=LOOP, thread="<2>"))
        assert elsewhere.message_id is not None
        assert [one.why for one in await listed(core)] == [LOOP] * 3
        command = await core.intake.accept(mail("STATUS", automatic=LOOP))
        assert (await state(core, command)) is TurnState.COMPLETED
        assert scripted(core).prompts == []


async def test_a_dropped_message_is_let_in_once_whatever_kept_it_out(tmp_path: Path) -> None:
    async with core_with(tmp_path, limits=Limits(messages_per_minute=1)) as core:
        await core.intake.accept(mail("assistant: first"))
        refused = await core.intake.accept(replace(mail("claude: second", automatic=LOOP), doubt="it is old"))
        assert (await result(core, refused.message_id)).turn.target is Target.REFUSED
        (dropped,) = await listed(core)
        message_id = await core.intake.let_in(dropped.id)
        assert await core.intake.let_in(dropped.id) == message_id
        await until(lambda: _is_completed(core, message_id), "it has run")
        assert [text for _, text in scripted(core).prompts] == ["second"]
        (dropped,) = await listed(core)
        assert dropped.message_id == message_id


async def _is_completed(core: Core, message_id: str) -> bool:
    found = await core.store.turns.result(message_id)  # type: ignore[arg-type]
    return found is not None and found.turn.state is TurnState.COMPLETED


async def test_a_message_over_the_rate_limit_is_listed(tmp_path: Path) -> None:
    async with core_with(tmp_path, limits=Limits(messages_per_minute=1)) as core:
        for number in range(3):
            await core.intake.accept(mail(f"assistant: {number}"))
        reasons = [one.why for one in await listed(core)]
        assert reasons[0].startswith("Rate limit exceeded")
        assert reasons[1:] == ["its sender is over the rate limit"]


@pytest.mark.parametrize(
    "message", [mail("YES KXQPT correct horse"), replace(mail(""), subject="YES KXQPT horse"), mail("x" * 70_000)]
)
async def test_a_passphrase_and_a_long_text_are_not_kept(tmp_path: Path, message: Inbound) -> None:
    assert MAX_KEPT < 70_000
    async with core_with(tmp_path) as core:
        await core.intake.dropped("mail", ALICE_MAIL, "it is forged", message)
        (dropped,) = await listed(core)
        assert dropped.message is None
        with pytest.raises(MessageNotKept, match="cannot be let in: it is not kept"):
            await core.intake.let_in(dropped.id)
        with pytest.raises(MessageNotFound):
            await core.intake.let_in(999)


async def test_a_message_is_let_in_only_as_one_of_a_user(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        stranger = text_message("hello", phone="eve@example.net", channel="mail")
        await core.intake.dropped("mail", "eve@example.net", "nobody has it", stranger)
        (dropped,) = await listed(core)
        with pytest.raises(MessageNotKept, match=r"no user has the address eve@example\.net"):
            await core.intake.let_in(dropped.id)
