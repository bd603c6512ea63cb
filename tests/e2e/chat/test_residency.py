"""The scheduling example in the chat of a whole daemon: questions, a swap with its preview, and its way back."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import tomli_w

from examples.residency.analysis.names import find_people
from examples.residency.analysis.swaps import find_swaps
from examples.residency.data.database import Database, create
from examples.residency.data.reading import Reader
from examples.residency.seed.year import make
from supervisor.protocol.ids import uuid7
from tests.e2e.chatting import ChatClient, Frame, add_user, chatting, text_of
from tests.e2e.world import World, script
from tests.packaging.project import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

TODAY = date(2026, 11, 30).toordinal()


def tables(folder: Path) -> str:
    """Return the tables of the example's config.toml, with a database of the test."""
    config = tomllib.loads((ROOT / "examples" / "residency" / "config.toml").read_text())
    server = config["mcp"]["residency"]
    server["command"], server["cwd"] = sys.executable, str(ROOT)
    server["args"] += ["--database", str(folder / "schedule.db"), "--today", "2026-11-30"]
    return tomli_w.dumps(config)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("residency")
    create(made / "schedule.db", make(7, TODAY))
    return made


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(folder: Path) -> AsyncIterator[World]:
    """A daemon with the example, once its tools can be used."""
    async with World(folder / "world", connector="echo", tables=tables(folder)) as made:
        await made.start()
        await add_user(made, "carl", "COORDINATOR")
        await made.tools_work("residency")
        yield made


def calls(tool: str, **arguments: Any) -> str:
    """Return a prompt on which the model calls a tool and then ends its answer."""
    return script({"tools": [{"name": f"residency__{tool}", "input": arguments}]}, {"text": "Done."})


async def result_of(client: ChatClient, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that only reads; return its result as the screen gets it."""
    frames = await client.ask(calls(tool, **arguments))
    assert text_of(frames).endswith("Done.")
    found: dict[str, Any] = next(frame["result"] for frame in frames if frame["type"] == "tool_result")
    return found


async def confirmed(client: ChatClient, tool: str, **arguments: Any) -> tuple[Frame, dict[str, Any]]:
    """Call a tool that writes and allow it; return the question and the result."""
    await client.say(calls(tool, **arguments))
    question = await client.next("confirm_request")
    await client.send("confirm", id=question["id"], decision="allow")
    frames = await client.answer()
    return question, next(frame["result"] for frame in frames if frame["type"] == "tool_result")


async def test_a_swap_is_previewed_confirmed_by_name_and_rolled_back_and_other_chats_are_told(
    world: World, folder: Path
) -> None:
    reader = Reader(Database(folder / "schedule.db"))
    before = reader.roster()
    (smith,) = find_people(before.people, "Dr. Smith")
    best = next(one for one in find_swaps(before, smith.id, TODAY, 5).candidates if one.theirs is not None)
    partner = before.people[best.partner]
    assert best.theirs is not None
    swap = {
        "person_id": smith.id,
        "shift_id": best.mine.id,
        "with_person_id": partner.id,
        "with_shift_id": best.theirs.id,
    }
    async with chatting(world, session_id=uuid7()) as alice, chatting(world, "carl", session_id=uuid7()) as carl:
        await result_of(carl, "validate_schedule", schedule_id="main")
        shown = await result_of(alice, "preview_swap", **swap)
        assert shown["status"] == "preview"
        assert smith.name in str(shown["reasons"])
        assert smith.id not in str(shown)
        told = await carl.next("notice")
        assert told["message"].endswith("is working on the schedule of Internal medicine: previewing a swap.")

        # The model knows people by references; the question has their names.
        known = {key: f"entity-{value[:8]}" if key.endswith("person_id") else value for key, value in swap.items()}
        question, done = await confirmed(alice, "execute_swap", **known, schedule_version=1)
        assert (question["input"]["person_id"], question["input"]["with_person_id"]) == (smith.name, partner.name)
        assert (done["status"], done["version"], done["by"]) == ("done", 2, "alice")
        assert reader.roster().by_id[best.mine.id].person_id == partner.id
        assert (await carl.next("notice"))["message"].endswith("swapping shifts; it is now at version 2.")

        # Carl saw the schedule before Alice changed it.
        _, stale = await confirmed(carl, "execute_swap", **swap, schedule_version=1)
        assert (stale["reason"], stale["changed_since"][0]["by"]) == ("stale_version", "alice")

        _, back = await confirmed(alice, "rollback_change", change_id=done["change_id"], schedule_version=2)
        assert back["rolled_back"] == done["change_id"]
        assert reader.roster().shifts == before.shifts


async def test_the_questions_of_the_guide_are_answered_by_the_offline_model_too(world: World) -> None:
    wanted = {
        "Check compliance for next month": "validate_schedule",
        "Find swap candidates for Dr. Smith": "analyze_swap_candidates",
        "Show vulnerable slots this week": "run_contingency_analysis",
        "Are there any conflicts?": "detect_conflicts",
        "Summarize the compliance status": "validate_schedule",
    }
    for question, tool in wanted.items():
        async with chatting(world, session_id=uuid7()) as client:
            frames = await client.ask(question)
            called = [frame["name"] for frame in frames if frame["type"] == "tool_call"]
            assert called[-1:] == [f"residency__{tool}"], (question, called, text_of(frames))
            assert frames[-1]["type"] == "complete"
            kinds = [frame["kind"] for frame in frames if frame["type"] == "artifact"]
            assert kinds[-1:] == ["analysis"], (question, kinds)


async def test_why_is_answered_for_the_violation_that_was_told_before(world: World) -> None:
    async with chatting(world, session_id=uuid7()) as client:
        await client.ask("Check compliance for next month")
        frames = await client.ask("Why is that a violation?")
        why = next(frame["result"] for frame in frames if frame["type"] == "tool_result")
        assert why["explanation"]["section"].startswith("6.2")
        assert why["parts"]
