"""All by text: a shell command, its approval, the report of a crash, CONTINUE and UNDO; each cost counts once."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import HANG, World, script, write_file
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


async def test_a_phone_is_enough_to_approve_to_go_on_after_a_crash_and_to_undo(world: World) -> None:
    note, draft = world.project() / "note.txt", world.project() / "draft.txt"
    command = {"name": "Bash", "input": {"command": "echo noted > note.txt", "description": "note it"}}
    await world.text("note it in the code: " + script({"tools": [command]}, {"text": "It is noted."}))
    question = await world.answer("Bash echo noted > note.txt")
    (code,) = set(re.findall(r"\b(?:YES|NO) ([A-Z]{5})\b", question))
    wrong = "BBBBB" if code != "BBBBB" else "CCCCC"
    assert "Nothing was allowed" in await world.ask(f"YES {wrong}")
    assert not note.exists()
    assert "Allowed once" in await world.ask(f"yes {code}.")
    assert "It is noted." in await world.answer("It is noted.")
    assert note.read_text(encoding="utf-8") == "noted\n"

    await world.text("draft it in the code: " + script(write_file(draft, "half"), HANG))
    await until(draft.exists, "the next turn has done something", 60)
    await until(lambda: world.tools_started() == 2, "it is known")
    await world.daemon.stop(signal.SIGKILL)
    await until(lambda: not world.agents(), "no agent is left", 10)
    await world.start()
    told = await world.answer("was interrupted")
    assert "These tools had started: Write /" in told
    (code,) = set(re.findall(r"\b(?:CONTINUE|RETRY|DROP) ([A-Z]{5})\b", told))
    assert " continues." in await world.ask(f"CONTINUE {code}")
    await world.answer("Your work on the message")

    asked = await world.ask("UNDO")
    assert 'Your message "draft it in the code: ' in asked
    assert "changed 1 file in site: draft.txt. Reply UNDO " in asked
    (code,) = re.findall(r"UNDO ([A-Z]{5})", asked)
    assert "Nothing was touched" in await world.ask(f"UNDO {wrong}")
    assert draft.exists()
    assert "Taken back: draft.txt." in await world.ask(f"undo {code}")
    assert not draft.exists()
    assert "used already" in await world.ask(f"UNDO {code}")
    assert note.read_text(encoding="utf-8") == "noted\n"

    # What the shell command did can be taken back, too, and that again.
    (code,) = re.findall(r"UNDO ([A-Z]{5})", await world.ask("UNDO"))
    back = await world.ask(f"UNDO {code}")
    assert "Taken back: note.txt." in back
    assert not note.exists()
    (code,) = re.findall(r"UNDO ([A-Z]{5})", back)
    assert "Brought back: note.txt." in await world.ask(f"UNDO {code}")
    assert note.read_text(encoding="utf-8") == "noted\n"
    await agree_to_the_cent(world)


async def agree_to_the_cent(world: World) -> None:
    """Stop the daemon, and check every sum of its database against the others."""
    await world.daemon.stop()
    checked = await world.daemon.xswarm("db", "check")
    assert checked.code == 0, checked
    with closing(world.database()) as database:
        (nanos,) = database.execute("SELECT sum(nanos) FROM ledger").fetchone()
        (refs, rows) = database.execute("SELECT count(DISTINCT ref), count(*) FROM ledger").fetchone()
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (0,)
        assert database.execute("SELECT nanos FROM totals WHERE scope = 'system'").fetchone() == (nanos,)
    assert refs == rows
    assert nanos > 0
