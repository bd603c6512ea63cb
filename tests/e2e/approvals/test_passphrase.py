"""The second factor by text: a call that leads outside the project needs the passphrase that an operator has set."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import World, script, write_file
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

FIRST, SECOND, WRONG = "correct horse battery", "another horse battery", "wrong horse battery"
ADMIN = "/api/admin/users/alice/passphrase"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


async def asked(world: World, path: Path) -> str:
    """Text a prompt whose turn writes a file outside the project; return the code of the question."""
    await world.text(f"@site write {path.name}: " + script(write_file(path, "hi"), {"text": f"That was {path.name}."}))
    question = await world.answer(f"Write {path}")
    assert "A yes by this way needs your passphrase behind the code" in question
    (code,) = set(re.findall(r"\b(?:YES|NO) ([A-Z]{5})\b", question))
    return str(code)


async def test_a_passphrase_by_the_admin_api_lets_a_call_through_by_text_and_a_wrong_one_does_not(world: World) -> None:
    path = world.folder / "outside.txt"
    code = await asked(world, path)
    assert "needs a yes by another way than sms" in await world.ask(f"YES {code}")
    assert "you have no passphrase" in await world.ask(f"YES {code} {FIRST}")
    assert (await world.operator("PUT", ADMIN, {"passphrase": "short"})).status_code == 422
    assert (await world.operator("PUT", ADMIN, {"passphrase": FIRST})).status_code == 204
    assert "that is not your passphrase" in await world.ask(f"YES {code} {WRONG}")
    assert "needs a yes by another way than sms" in await world.ask(f"YES {code}")
    assert not path.exists()
    assert world.turns("running")
    await world.text(f"Yes {code.lower()} {FIRST.capitalize()}")
    await world.answer("Allowed once: Write /")
    await world.answer("That was outside.txt.")
    assert path.read_text(encoding="utf-8") == "hi"


async def test_a_passphrase_by_the_command_line_takes_the_place_of_another_and_is_kept_nowhere(world: World) -> None:
    assert (await world.operator("PUT", ADMIN, {"passphrase": FIRST})).status_code == 204
    ended = await world.daemon.xswarm("user", "passphrase", "alice", stdin=f"{SECOND}\n")
    assert (ended.code, ended.out) == (0, "alice has a passphrase.\n")
    path = world.folder / "second.txt"
    code = await asked(world, path)
    assert "that is not your passphrase" in await world.ask(f"YES {code} {FIRST}")
    assert not path.exists()
    await world.text(f"YES {code} {SECOND}")
    await world.answer("That was second.txt.")
    assert path.read_text(encoding="utf-8") == "hi"

    ended = await world.daemon.xswarm("user", "passphrase", "alice", "--remove")
    assert (ended.code, ended.out) == (0, "alice has no passphrase.\n")
    path = world.folder / "third.txt"
    code = await asked(world, path)
    assert "you have no passphrase" in await world.ask(f"YES {code} {SECOND}")
    assert (await world.ask(f"NO {code}")).startswith("Denied: ")
    await until(lambda: not world.turns("running"), "its turn has ended", 60)
    assert not path.exists()
    await world.daemon.stop()
    assert "horse" not in "".join(world.daemon.log)
    assert [path for path, text in world.kept().items() if "horse" in text] == []
