"""A long call, with the real Claude Code: a text shows its beginning and MORE CODE the rest, a mail shows all of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import World, script
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

LONG = "touch made.txt\n" + "\n".join(f"true number {number}" for number in range(100)) + "\ntouch end.txt"
CALL = script({"tools": [{"name": "Bash", "input": {"command": LONG}}]}, {"text": "it is over"})


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


def code_in(question: str) -> str:
    """Return the code of a question."""
    found = re.search(r"\bYES ([A-Z]{5})\b", question)
    assert found is not None, question
    return found[1]


async def test_a_phone_reads_the_whole_call_before_it_says_yes(world: World) -> None:
    await world.text(f"in the code: {CALL}")
    question = await world.answer("Bash touch made.txt")
    code, length = code_in(question), len(f"Bash {LONG}")
    assert f"The call has {length} characters. Its end is not shown here: MORE {code} shows the next part." in question
    seen = [question]
    while "touch end.txt" not in seen[-1]:
        seen.append(await world.ask(f"MORE {code}"))
        assert len(seen) < 20
    numbers = [int(number) for number in re.findall(r"true number (\d+)\n", "\n".join(seen) + "\n")]
    assert sorted(set(numbers)) == list(range(100))
    assert not (world.project() / "made.txt").exists()
    assert "Allowed once" in await world.ask(f"YES {code}")
    await until((world.project() / "end.txt").exists, "the call runs", 15)


async def test_a_mail_shows_the_whole_call(world: World) -> None:
    assert (await world.mail("Work", f"claude: {CALL}")).startswith("250")
    mail = await world.mailed("true number 99")
    assert LONG in mail.text
    assert "Its end is not shown" not in mail.text
    assert "Allowed" in await world.ask(f"YES {code_in(mail.text)}")
