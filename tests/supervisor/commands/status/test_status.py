"""STATUS and COST, as their sender reads them: each user sees their own sessions and costs only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supervisor.commands.status.status import MAX_LINES
from supervisor.config import BudgetConfig
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import BOBS_PHONE, ask, connect, give_phone, project, result, scripted, send, text_message
from tests.waiting import until


async def answer(core: Core, word: str, *, phone: str = ALICE_PHONE) -> str:
    """Text a word; return what its sender is told."""
    receipt = await core.intake.accept(text_message(word, phone=phone))
    return (await result(core, receipt.message_id)).turn.reason


async def test_status_names_a_few_sessions_and_counts_the_rest(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await give_phone(core)
        for number in range(MAX_LINES + 2):
            await connect(core, f"s{number}")
        lines = (await answer(core, "STATUS")).splitlines()
        assert lines[:-1] == ["site: active, 0 messages, $0.00, last used 0 min ago"] * MAX_LINES
        assert lines[-1] == "and 2 more"
        assert await answer(core, "STATUS", phone=BOBS_PHONE) == "No session is active."


async def test_status_shows_a_running_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await send(core, "hold")
        await until(scripted(core).held, "it works")
        said = await answer(core, "STATUS")
        assert re.fullmatch(r"site: working for \d+ s, 1 message, \$0\.00, last used 0 min ago", said)
        scripted(core).release()


@pytest.mark.usefixtures("one_utc_day")
async def test_cost_is_the_sender_s_own(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core, "s1")
        await connect(core, "s2", user="bob")
        await ask(core, "pay 1500000000", "s1")
        await ask(core, "pay 9000000000", "s2")
        assert await answer(core, "COST") == "Today $1.50 for 1 message; in total $1.50 for 1 message."


@pytest.mark.usefixtures("one_utc_day")
async def test_cost_names_the_sender_s_limit_of_the_day(tmp_path: Path) -> None:
    budgets = BudgetConfig(user_daily_usd=5.0, system_daily_usd=50.0)
    async with Core(tmp_path, connector=ScriptedConnector(), budgets=budgets) as core:
        await connect(core)
        await ask(core, "pay 1200000000")
        assert await answer(core, "COST") == "Today $1.20 of $5.00 for 1 message; in total $1.20 for 1 message."


async def test_a_member_of_a_shared_project_sees_its_session(tmp_path: Path) -> None:
    team = project(tmp_path, "team", shared=True)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=team) as core:
        await give_phone(core)
        await core.intake.accept(text_message("@team hold it"))
        await until(scripted(core).held, "it works")
        for phone in (ALICE_PHONE, BOBS_PHONE):
            assert (await answer(core, "STATUS", phone=phone)).startswith("team: working for ")
        scripted(core).release()


async def test_queued_messages_are_counted_in_the_line_of_their_session(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector()) as core:
        for text in ("claude: hold", "claude: one", "claude: two"):
            await core.intake.accept(text_message(text))
        await until(scripted(core).held, "it works")
        assert re.match(r"site: working for \d+ s, 2 messages queued, 3 messages,", await answer(core, "STATUS"))
        scripted(core).release()


async def test_a_working_assistant_is_named(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector()) as core:
        for text in ("assistant: hold", "assistant: one"):
            await core.intake.accept(text_message(text))
        assert isinstance(core.assistant_connector, ScriptedConnector)
        await until(core.assistant_connector.held, "it works")
        told = await answer(core, "STATUS")
        assert re.fullmatch(r"The assistant: working for \d+ s, 1 message queued", told)
        core.assistant_connector.release()
