"""STATUS and COST, as their sender reads them: each user sees their own sessions and costs only."""

from __future__ import annotations

import re
from pathlib import Path

from supervisor.commands.dispatch import Asker
from supervisor.commands.status import MAX_LINES, StatusCommands
from supervisor.commands.words import Command, Word
from supervisor.config import BudgetConfig
from supervisor.protocol.messages import Address
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, connect, scripted, send
from tests.waiting import until

PHONE = Address(kind="sms", value="+15550100")


async def answer(core: Core, word: Word, user: str = "alice") -> str:
    """Return what a user is told."""
    words = StatusCommands(core.store, core.turns, core.spending)
    told = await words.answer(Command(word), Asker(user=core.directory.user(user), channel="sms", sender=PHONE))
    return told.text


async def test_status_names_a_few_sessions_and_counts_the_rest(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        for number in range(MAX_LINES + 2):
            await connect(core, f"s{number}")
        lines = (await answer(core, Word.STATUS)).splitlines()
        assert lines[:-1] == ["site: active, 0 messages, $0.00, last used 0 min ago"] * MAX_LINES
        assert lines[-1] == "and 2 more"
        assert await answer(core, Word.STATUS, "bob") == "No session is active."


async def test_status_shows_a_running_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await send(core, "hold")
        await until(scripted(core).held, "it works")
        said = await answer(core, Word.STATUS)
        assert re.fullmatch(r"site: working for \d+ s, 1 message, \$0\.00, last used 0 min ago", said)
        scripted(core).release()


async def test_cost_is_the_sender_s_own(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core, "s1")
        await connect(core, "s2", user="bob")
        await ask(core, "pay 1500000000", "s1")
        await ask(core, "pay 9000000000", "s2")
        assert await answer(core, Word.COST) == "Today $1.5000 for 1 message; in total $1.5000 for 1 message."


async def test_cost_names_the_sender_s_limit_of_the_day(tmp_path: Path) -> None:
    budgets = BudgetConfig(user_daily_usd=5.0, system_daily_usd=50.0)
    async with Core(tmp_path, connector=ScriptedConnector(), budgets=budgets) as core:
        await connect(core)
        await ask(core, "pay 1200000000")
        assert await answer(core, Word.COST) == "Today $1.2000 of $5.00 for 1 message; in total $1.2000 for 1 message."
