"""STATUS names what waits for its sender, each with its code; nobody else reads it there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config import BudgetConfig
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import Inbound, UserId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import DAY_MS, now_ms
from supervisor.store.ports.approvals import Approval
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import BOBS_PHONE, give_phone, project, result, scripted, state, text_message
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_utc_day")

NOTHING = "No session is active."


def core_with(folder: Path, **limits: float) -> Core:
    budgets = BudgetConfig(**{"reserve_usd": 0.5, **limits}) if limits else None
    return Core(folder, connector=ScriptedConnector(), assistant=ScriptedConnector(), budgets=budgets)


async def status(core: Core, *, phone: str = ALICE_PHONE) -> list[str]:
    """Text STATUS; return the lines that its sender is told."""
    receipt = await core.intake.accept(text_message("STATUS", phone=phone))
    return (await result(core, receipt.message_id)).turn.reason.splitlines()


async def codes_of(core: Core, kind: CodeKind) -> list[str]:
    """Return alice's open codes of a kind."""
    return [code.code for code in await core.store.codes.open_of(UserId("alice"), kind, now_ms=now_ms())]


async def code_of(core: Core, kind: CodeKind) -> str:
    """Return alice's one open code of a kind."""
    (code,) = await codes_of(core, kind)
    return code


async def open_one(core: Core) -> Approval | None:
    found = await core.store.approvals.open_now(now_ms=now_ms())
    return found[0] if found else None


async def settled(core: Core, inbound: Inbound, wanted: TurnState = TurnState.COMPLETED) -> None:
    """Hand in a message and wait until its turn is in a state."""
    receipt = await core.intake.accept(inbound)

    async def reached() -> bool:
        return await state(core, receipt) is wanted

    await until(reached, f"it is {wanted}")


async def test_a_question_stands_first_with_its_code(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await give_phone(core)
        await core.intake.accept(text_message("claude: deny git push"))
        await until(lambda: open_one(core), "the question is asked")
        code = await code_of(core, CodeKind.APPROVAL)
        first, second, line = await status(core)
        assert first == "This waits for you:"
        assert second.startswith(f"YES {code} or NO {code}: [site] Bash git push, within ")
        assert line.startswith("site: waits for your answer, 1 message, ")
        assert await status(core, phone=BOBS_PHONE) == [NOTHING]


async def test_who_waits_for_another_s_answer_sees_that(tmp_path: Path) -> None:
    team = project(tmp_path, "team", shared=True, approvers=("bob",))
    async with Core(tmp_path, connector=ScriptedConnector(), projects=team) as core:
        await give_phone(core)
        await core.intake.accept(text_message("@team deny git push"))
        await until(lambda: open_one(core), "the question is asked")
        assert (await status(core))[0].startswith("team: waits for somebody's approval, ")
        asked = await status(core, phone=BOBS_PHONE)
        assert "[team] Bash git push" in asked[1]
        assert asked[2].startswith("team: waits for your answer, ")


async def test_an_interrupted_turn_is_named_although_no_session_is_active(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        await before.intake.accept(text_message("claude: tool make deploy"))
        await until(lambda: bool(scripted(before).prompts), "it runs")
        async with core_with(tmp_path) as core:
            await give_phone(core)
            code = await code_of(core, CodeKind.TURN)
            assert await status(core) == [
                "This waits for you:",
                f'CONTINUE {code}, RETRY {code} or DROP {code}: your message "tool make deploy" was interrupted.',
            ]
            assert await status(core, phone=BOBS_PHONE) == [NOTHING]
            await core.intake.accept(text_message("DROP"))
            assert await status(core) == [NOTHING]


async def test_a_held_message_is_named_until_it_is_answered(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        doubt = "it is more than 48 hours old"
        await core.intake.accept(replace(text_message("claude: build it"), doubt=doubt))
        code = await code_of(core, CodeKind.HELD)
        told = f'YES {code} or NO {code}: your message "claude: build it" was not worked on.'
        assert await status(core) == ["This waits for you:", told]
        await core.intake.accept(text_message(f"NO {code}"))
        assert await status(core) == [NOTHING]


async def test_a_reached_limit_is_named_with_what_raises_it(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=1.0) as core:
        await settled(core, text_message("claude: pay 1120300000"))
        await until(lambda: codes_of(core, CodeKind.BUDGET), "she gets a code")
        told, code = (await status(core))[1], await code_of(core, CodeKind.BUDGET)
        assert told == f"Your limit of today is reached: $1.12 of $1.00 is spent. ADD 5 {code} adds $5."
        await core.intake.accept(text_message(f"ADD 5 {code}"))
        assert (await status(core))[0].startswith("site: ")


async def test_a_limit_that_permits_no_further_turn_is_named(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=1.0) as core:
        await settled(core, text_message("claude: pay 600000000"))
        assert (await status(core))[1].startswith(
            "Your limit of today leaves too little for one more message: $0.60 of $1.00 is spent."
        )


async def test_what_a_running_turn_holds_is_not_taken_for_spent(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=0.5) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "it runs")
        assert (await status(core))[0].startswith("site: working for ")
        scripted(core).release()


async def test_an_administrator_sees_the_limit_of_another_whom_they_may_help(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=1.0) as core:
        await give_phone(core)
        await settled(core, text_message("claude: pay 1500000000", phone=BOBS_PHONE))
        await until(lambda: codes_of(core, CodeKind.BUDGET), "she gets a code")
        code = await core.store.codes.issue(
            CodeKind.BUDGET, f"user/{now_ms() // DAY_MS}/bob", UserId("alice"), until_ms=now_ms() + DAY_MS
        )
        told = await status(core)
        assert told[0] == "This waits for you:"
        assert any(
            line.startswith("The limit of bob for today is reached: $1.50 of $1.00 is spent. ADD 5 ") for line in told
        )
        assert len(told) == 2, f"one line for one limit, although there are two codes: {code}"
        assert (await status(core, phone=BOBS_PHONE))[1] == "Your limit of today is reached: $1.50 of $1.00 is spent."


async def test_a_long_list_is_cut_and_says_how_much_is_left_out(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        for number in range(7):
            await core.intake.accept(replace(text_message(f"claude: build {number}"), doubt="it is old"))
        told = await status(core)
        assert len(told) == 7
        assert told[-1] == "2 more things wait for you."
