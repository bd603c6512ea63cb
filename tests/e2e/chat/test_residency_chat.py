"""The scheduling example in the chat of a whole daemon: its questions, a swap with its preview, its way back."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from examples.residency.planning.solver import is_installed
from tests.e2e.chatting import ChatClient, Frame, as_stored, chatting, kinds, text_of
from tests.e2e.world import World
from tests.packaging.project import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}")

EXAMPLE = (ROOT / "examples/residency/config.toml").read_text(encoding="utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("residency")
    tables = EXAMPLE[EXAMPLE.index("[mcp.residency]") :]
    tables = tables.replace("../../.venv/bin/python", sys.executable).replace('"../.."', json.dumps(str(ROOT)))
    arguments = ["-m", "examples.residency", "--database", str(folder / "year.db")]
    tables = tables.replace('["-m", "examples.residency"]', json.dumps(arguments))
    async with World(folder, connector="echo", tables=tables) as world:
        await world.start()
        await world.tools_work("residency")
        yield world


def called(frames: Sequence[Frame]) -> list[str]:
    """Return the tools that were called, in order."""
    return [frame["name"].removeprefix("residency__") for frame in frames if frame["type"] == "tool_call"]


def result_of(frames: Sequence[Frame]) -> dict[str, Any]:
    """Return the last result as the person saw it."""
    return dict(next(frame["result"] for frame in reversed(frames) if frame["type"] == "tool_result"))


def call(tool: str, **given: object) -> str:
    """Return a prompt that makes the offline model call a tool, and sum up its result."""
    return f"call residency__{tool} {json.dumps(given)}"


async def confirmed(client: ChatClient, prompt: str, decision: str) -> tuple[Frame, list[Frame]]:
    """Write a message whose call is asked about, answer the question; return it, and the answer."""
    await client.say(prompt)
    asked = await client.next("confirm_request")
    await client.send("confirm", id=asked["id"], decision=decision)
    return asked, await client.answer()


@pytest.mark.parametrize(
    ("prompt", "tools"),
    [
        ("Check compliance for next month", ["validate_schedule"]),
        ("Find swap candidates for Dr. Smith", ["find_person", "analyze_swap_candidates"]),
        ("Show vulnerable slots this week", ["run_contingency_analysis"]),
        ("Are there any conflicts?", ["detect_conflicts"]),
        ("Why is that a violation?", ["validate_schedule", "explain_violation"]),
        ("Summarize the compliance status", ["validate_schedule"]),
    ],
)
async def test_each_question_of_the_example_is_answered_by_its_tools(
    prompt: str, tools: Sequence[str], world: World
) -> None:
    async with chatting(world) as client:
        frames = await client.ask(prompt)
        assert called(frames) == tools
        assert kinds(frames)[-2:] == ["token", "complete"]
        artifacts = [frame for frame in frames if frame["type"] == "artifact"]
        assert len(artifacts) == len(tools)
        assert artifacts[-1]["kind"] == "analysis", "as the server says"
        assert not UUID.search(json.dumps(artifacts[-1])), "a person reads names, and no ids"
        assert result_of(frames)["status"] == "ok"
        told = await as_stored(world, client.session_id)
        assert "entity-" in told
        assert "Kofi" not in told, "the model got no name"
        assert not re.search("entity-[0-9a-f]{8}", text_of(frames)), "the person reads names"


async def test_what_was_found_is_known_to_the_next_question(world: World) -> None:
    async with chatting(world) as client:
        await client.ask("Check compliance for next month")
        assert called(await client.ask("Why is that a violation?")) == ["explain_violation"]


async def test_whoever_a_question_names_is_looked_up_also_after_answers_about_others(world: World) -> None:
    async with chatting(world) as client:
        await client.ask("Summarize the compliance status")
        found = await client.ask("Find swap candidates for Dr. Smith")
        assert called(found) == ["find_person", "analyze_swap_candidates"]
        assert result_of(found)["person_name"] == "Kofi Smith"
        nobody = await client.ask("Find swap candidates for Dr. Nobody")
        assert called(nobody) == ["find_person"], "nobody is taken for somebody else"


async def test_the_words_of_the_guide_make_a_swap_and_take_it_back(world: World) -> None:
    async with chatting(world) as client:
        await client.ask("Find swap candidates for Dr. Smith")
        asked, made = await confirmed(client, "Make that swap", "allow")
        assert "Kofi Smith" in asked["input"].values()
        assert [frame["name"] for frame in client.frames if frame["type"] == "tool_call"][-2:] == [
            "residency__preview_swap",
            "residency__execute_swap",
        ]
        assert result_of(made)["status"] == "done"
        listed = await client.ask("Who changed the schedule this week?")
        assert called(listed) == ["list_changes"]
        newest = result_of(listed)["changes"][0]
        assert newest["change_id"] == result_of(made)["change_id"]
        asked, undone = await confirmed(client, "Undo that swap", "allow")
        assert asked["input"]["change_id"] == newest["change_id"]
        assert result_of(undone)["status"] == "done"


async def test_a_swap_is_previewed_confirmed_by_name_made_and_rolled_back(world: World) -> None:
    async with chatting(world) as client:
        found = await client.ask("Find swap candidates for Dr. Smith")
        candidate = result_of(found)["candidates"][0]
        with_person = re.findall(r'"with_person_id": "(entity-[0-9a-f]+)"', await as_stored(world, client.session_id))[
            0
        ]
        person = re.findall(r'"person_id": "(entity-[0-9a-f]+)"', await as_stored(world, client.session_id))[0]
        swap = {"person_id": person, "shift_id": candidate["shift"]["shift_id"], "with_person_id": with_person}
        if candidate.get("with_shift"):
            swap["with_shift_id"] = candidate["with_shift"]["shift_id"]
        version = result_of(await client.ask(call("preview_swap", **swap)))["schedule_version"]

        write = call("execute_swap", **swap, schedule_version=version)
        asked, frames = await confirmed(client, write, "deny")
        assert "was not run: the person said no" in text_of(frames)
        assert "Smith" not in await as_stored(world, client.session_id), "the model got no name"
        assert asked["tool"] == "residency__execute_swap"
        assert asked["input"] == {
            **swap,
            "person_id": asked["input"]["person_id"],
            "with_person_id": asked["input"]["with_person_id"],
            "schedule_version": version,
        }
        assert "Smith" in asked["input"]["person_id"], "a person decides about names"
        assert re.search(r": .*Smith.*", asked["summary"]), "and about what the server says of it"

        _, frames = await confirmed(client, write, "allow")
        made = result_of(frames)
        assert made["status"] == "done", made
        assert made["schedule_version"] > version

        undo = call("rollback_change", change_id=made["change_id"], schedule_version=made["schedule_version"])
        asked, frames = await confirmed(client, undo, "allow")
        assert re.search(r": takes back: .*Smith", asked["summary"])
        assert not UUID.search(asked["summary"].partition("takes back")[2])
        assert result_of(frames)["status"] == "done"

        await client.say(write)
        await client.next("confirm_request")
        await client.send("interrupt")
        ended = await client.answer()
        assert ended[-1]["type"] == "interrupted"
        assert "confirm_resolved" in kinds(ended)


@pytest.mark.skipif(not is_installed(), reason="OR-Tools is not installed: make solver")
async def test_a_plan_is_asked_about_with_what_it_would_write(world: World) -> None:
    async with chatting(world) as client:
        today = date.fromisoformat(result_of(await client.ask(call("health_check")))["today"])
        days = {"start_date": str(today), "end_date": str(today + timedelta(days=27))}
        shown = result_of(await client.ask(call("preview_generation", **days)))
        assert shown["status"] == "preview"
        asked, frames = await confirmed(client, call("generate_schedule", **shown["next"]["arguments"]), "allow")
        assert asked["input"]["preview_id"] == shown["preview_id"]
        assert asked["summary"].endswith(f": {shown['summary']}"[:500]), "in the words of the preview, with names"
        assert not UUID.search(asked["summary"])
        made = result_of(frames)
        assert made["status"] == "done"
        undo = call("rollback_change", change_id=made["change_id"], schedule_version=made["schedule_version"])
        _, frames = await confirmed(client, undo, "allow")
        assert result_of(frames)["status"] == "done"
