"""A message that may be old or altered never runs by itself: its sender is asked by a code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.protocol.messages import Inbound
from supervisor.protocol.status import Target, TurnState
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, scripted, state, text_message
from tests.waiting import until

DOUBT = "it is more than 48 hours old"


def core_in(folder: Path) -> Core:
    return Core(folder, connector=ScriptedConnector(), assistant=ScriptedConnector())


def doubtful(text: str) -> Inbound:
    return replace(text_message(text), doubt=DOUBT)


async def asked(core: Core, text: str) -> tuple[str, str]:
    """Hand in a doubtful message; return what its sender is told, and the code in it."""
    receipt = await core.intake.accept(doubtful(text))
    turn = (await result(core, receipt.message_id)).turn
    assert (turn.target, turn.state) == (Target.COMMAND, TurnState.COMPLETED)
    return turn.reason, turn.reason.partition("YES ")[2][:5]


async def test_held_message_runs_after_its_yes_and_once(tmp_path: Path) -> None:
    async with core_in(tmp_path) as core:
        told, code = await asked(core, "claude: build it")
        assert DOUBT in told
        assert "build it" in told
        assert scripted(core).prompts == []
        receipt = await core.intake.accept(text_message(f"YES {code}"))
        await until(lambda: _done(core, receipt.message_id), "it has run")
        assert ["build it" in text for _, text in scripted(core).prompts] == [True]
        again = await core.intake.accept(text_message(f"yes {code}"))
        assert "no longer valid" in (await result(core, again.message_id)).turn.reason
        assert len(scripted(core).prompts) == 1


async def _done(core: Core, message_id: object) -> bool:
    return (await result(core, message_id)).turn.state is TurnState.COMPLETED  # type: ignore[arg-type]


async def test_no_drops_the_message(tmp_path: Path) -> None:
    async with core_in(tmp_path) as core:
        _, code = await asked(core, "claude: build it")
        for word in ("NO", "YES"):
            await core.intake.accept(text_message(f"{word} {code}"))
        assert scripted(core).prompts == []


@pytest.mark.parametrize("word", ["STATUS", "ABORT", "YES KXQPT"])
async def test_doubtful_command_word_is_refused(tmp_path: Path, word: str) -> None:
    async with core_in(tmp_path) as core:
        told, _ = await asked(core, word)
        assert told == f"{word.split()[0]} was not carried out, because {DOUBT}. Send it in a new message."


async def test_doubtful_yes_lets_no_held_message_run(tmp_path: Path) -> None:
    async with core_in(tmp_path) as core:
        _, code = await asked(core, "claude: build it")
        receipt = await core.intake.accept(doubtful(f"YES {code}"))
        assert await state(core, receipt) is TurnState.COMPLETED
        assert scripted(core).prompts == []
