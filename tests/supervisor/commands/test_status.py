"""STATUS, COST, MORE and ABORT, as their sender reads them; each sees and touches their own things only."""

from __future__ import annotations

import re
from pathlib import Path

from supervisor.commands.dispatch import Asker
from supervisor.commands.status import MAX_LINES, StatusCommands
from supervisor.commands.words import Command, Word
from supervisor.config import BudgetConfig
from supervisor.delivery.outbox import outbound_of
from supervisor.protocol.messages import VERBATIM, Address, OutboxId, Reply, UserId
from supervisor.protocol.status import TurnState
from supervisor.store.records.outbox import OutboxDraft
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import ask, connect, project, scripted, send, state, text_message
from tests.waiting import until

PHONE = Address(kind="sms", value="+15550100")


async def answer(core: Core, word: Word, user: str = "alice") -> str:
    """Return what a user is told."""
    words = StatusCommands(core.store, core.turns, core.spending)
    told = await words.answer(Command(word), Asker(user=core.directory.user(user), channel="sms", sender=PHONE))
    assert told is not None
    return told.text


async def test_status_names_a_few_sessions_and_counts_the_rest(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        for number in range(MAX_LINES + 2):
            await connect(core, f"s{number}")
        lines = (await answer(core, Word.STATUS)).splitlines()
        assert lines[:-1] == ["site: active, 0 messages, $0.00, last 0 min ago"] * MAX_LINES
        assert lines[-1] == "and 2 more"
        assert await answer(core, Word.STATUS, "bob") == "No session is active"


async def test_status_says_what_works(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await send(core, "hold")
        await until(scripted(core).held, "it works")
        said = await answer(core, Word.STATUS)
        assert re.fullmatch(r"site: working for \d+ s, 1 messages, \$0\.00, last 0 min ago", said)
        scripted(core).release()


async def test_cost_is_the_sender_s_own(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core, "s1")
        await connect(core, "s2", user="bob")
        await ask(core, "pay 1500000000", "s1")
        await ask(core, "pay 9000000000", "s2")
        assert await answer(core, Word.COST) == "Today $1.5000 for 1 messages; in all $1.5000 for 1"


async def test_cost_names_the_sender_s_limit_of_the_day(tmp_path: Path) -> None:
    budgets = BudgetConfig(user_daily_usd=5.0, system_daily_usd=50.0)
    async with Core(tmp_path, connector=ScriptedConnector(), budgets=budgets) as core:
        await connect(core)
        await ask(core, "pay 1200000000")
        assert await answer(core, Word.COST) == "Today $1.2000 of $5.00 for 1 messages; in all $1.2000 for 1"


async def test_abort_touches_nobody_else(tmp_path: Path) -> None:
    projects = project(tmp_path, "free", concurrent=True)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        await connect(core, "s1", path=tmp_path / "free")
        await connect(core, "s2", path=tmp_path / "free", user="bob")
        mine, theirs = await send(core, "hold", "s1"), await send(core, "hold", "s2")
        behind = await send(core, "later", "s1")
        await until(lambda: len(scripted(core).held()) == 2, "both work")
        assert await answer(core, Word.ABORT) == "Stopped, and dropped 1 that waited behind it"
        await until(lambda: _is_cancelled(core, mine), "mine was stopped")
        assert await state(core, behind) is TurnState.CANCELLED
        assert await state(core, theirs) is TurnState.RUNNING
        assert await answer(core, Word.ABORT) == "Nothing of yours is running"
        scripted(core).release()


async def _is_cancelled(core: Core, taken: object) -> bool:
    return await state(core, taken) is TurnState.CANCELLED  # type: ignore[arg-type]


async def test_more_with_nothing_left_says_so(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        assert await answer(core, Word.MORE) == "There is nothing more"


async def test_more_goes_on_in_the_very_text_that_was_cut(tmp_path: Path) -> None:
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
