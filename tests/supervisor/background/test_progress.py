"""Notices about long turns: that one is running, that one is stuck, and none while a person is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from supervisor.background.progress import ProgressNotices
from supervisor.config import Progress
from supervisor.protocol.events import AnyEvent, ClaudeCodeStuck
from supervisor.protocol.status import OutboxState
from supervisor.protocol.times import now_ms
from supervisor.store.records.outbox import OutboxRow
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import project, scripted, text_message
from tests.waiting import until


def notices(core: Core, settings: Progress, ahead: float = 0.0) -> ProgressNotices:
    """Return what looks at the turns of a core; their clock stands so many seconds after the newest sign of life."""
    return ProgressNotices(
        outbox=core.store.outbox,
        turns=core.turns,
        approvals=core.approvals,
        hub=core.hub,
        settings=settings,
        monotonic=lambda: max(one.clock.heard for one in core.turns.running_turns()) + ahead,
    )


def has_taken_a_while(core: Core) -> bool:
    """Return whether each turn has run for a millisecond, the least that is reported."""
    return all(one.clock.duration_ms for one in core.turns.running_turns())


async def texts(core: Core, channel: str = "sms") -> list[str]:
    return [row.text for row in await core.store.outbox.due(channel, now_ms=now_ms(), limit=9)]


async def every(core: Core) -> AsyncIterator[OutboxRow]:
    """Take what is told by SMS out of the outbox, in its order."""
    while due := await core.store.outbox.due("sms", now_ms=now_ms(), limit=9):
        for row in due:
            yield row
            await core.store.outbox.begin(row.id, now_ms=now_ms())
            await core.store.outbox.dead(row.id, "seen", now_ms=now_ms())


async def test_a_long_turn_is_reported_once(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold on"))
        await until(lambda: scripted(core).held() and has_taken_a_while(core), "it runs")
        look = notices(core, Progress(progress_after_seconds=0.001))
        await look.look()
        await look.look()
        assert await texts(core) == ['Still working on "hold on" after 1 min. ABORT stops it.']
        scripted(core).release()


async def test_a_turn_that_ended_while_another_was_reported_is_not_reported(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), projects=project(tmp_path, "shop")) as core:
        for number, name in enumerate(("site", "shop"), 1):
            await core.intake.accept(text_message(f"@{name} hold on"))
            await until(lambda: len(scripted(core).held()) == number, "it runs")  # noqa: B023

        def told(channels: AbstractSet[str]) -> None:
            for one in core.turns.running_turns():
                one.fail("its process is gone")

        settings = Progress(progress_after_seconds=0.001, stuck_after_seconds=0.001)
        core.store.outbox.listen(told)
        look = notices(core, settings, ahead=650)
        await look.look()
        await until(core.all_answered, "both have ended")
        rows = [row.text async for row in every(core)]
        assert len([text for text in rows if text.endswith("ABORT stops it.")]) == 1
        assert len([text for text in rows if "its process is gone" in text]) == 2


async def test_a_stuck_turn_is_reported_once_and_not_before(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold on"))
        await until(scripted(core).held, "it runs")
        await notices(core, Progress(), ahead=500).look()
        assert await texts(core) == []
        heard: list[AnyEvent] = []
        core.hub.subscribe("user:alice", heard.append)
        look = notices(core, Progress(), ahead=650)
        await look.look()
        await look.look()
        (stuck,) = [event for event in heard if isinstance(event, ClaudeCodeStuck)]
        assert stuck.silent_seconds == 650
        assert await texts(core) == ['No sign of life for 10 min: "hold on". ABORT stops it.']
        await notices(core, Progress(stuck_after_seconds=0), ahead=9000).look()
        scripted(core).release()


async def test_a_stuck_turn_of_a_mail_is_reported_by_mail_once_and_nothing_before(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        mail = text_message("claude: hold on", phone=ALICE_MAIL, channel="mail", thread="<t@x>")
        await core.intake.accept(mail)
        await until(lambda: scripted(core).held() and has_taken_a_while(core), "it runs")
        await notices(core, Progress(progress_after_seconds=0.001), ahead=500).look()
        assert await texts(core, "mail") == []
        look = notices(core, Progress(), ahead=650)
        await look.look()
        await look.look()
        (row,) = await core.store.outbox.due("mail", now_ms=now_ms(), limit=9)
        assert row.text == 'No sign of life for 10 min: "hold on". ABORT stops it.'
        assert row.to == mail.sender
        assert await texts(core) == []
        scripted(core).release()


async def test_a_turn_that_runs_again_after_a_restart_is_reported_once_and_hides_no_other(tmp_path: Path) -> None:
    async with Core(tmp_path, assistant=ScriptedConnector()) as core:
        await core.intake.accept(text_message("assistant: hold on"))
        await until(lambda: core.turns.running_turns(), "it runs")
        await notices(core, Progress(), ahead=650).look()
    async with Core(tmp_path, assistant=ScriptedConnector()) as core:
        await core.turns.sweep()
        await until(lambda: core.turns.running_turns(), "it runs again")
        await core.intake.accept(text_message("claude: hold on too"))
        await until(lambda: len(core.turns.running_turns()) == 2, "another one runs")
        await notices(core, Progress(), ahead=650).look()
        assert [row.text async for row in every(core)] == [
            'No sign of life for 10 min: "hold on". ABORT stops it.',
            'No sign of life for 10 min: "hold on too". ABORT stops it.',
        ]


async def test_a_turn_that_waits_for_a_person_is_neither_stuck_nor_worked_on(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("deny git push"))

        async def asked() -> bool:
            return bool(await core.store.approvals.open_now(now_ms=0))

        await until(asked, "it asks")
        await notices(core, Progress(progress_after_seconds=0.001), ahead=9000).look()
        (text,) = await texts(core)
        assert text.startswith("[site] May it run")
        assert (await core.store.outbox.counts())[OutboxState.PENDING] == 1
        caller = core.directory.caller(await core.token("alice"))
        (approval,) = await core.approval_operations.open(caller)
        await core.approval_operations.resolve(caller, approval.id, allow=False, channel="socket")
