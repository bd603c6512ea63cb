"""Tool calls of the assistant in a chat: their frames, questions and artifacts; a whole daemon, a real tool server."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.chatting import add_user, as_stored, chatting, jwt_of, kinds, text_of
from tests.e2e.world import World, script, slow_answer
from tests.slowness import scaled
from tests.tool_servers.programs import PROGRAM, noted
from tests.tool_servers.server_program import ANN, BOB
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

TABLES = """
[mcp.clinic]
command = {python}
args = [{program}]
read_only = ["people", "rows", "large", "fail", "markup"]
person_fields = ["person_id", "from_person", "to_person", "by_id"]
name_fields = ["name"]
timeout_seconds = {seconds}

[mcp.clinic.env]
JOURNAL = {journal}

[mcp.stuck]
command = {python}
args = [{program}]
read_only = ["hang"]
timeout_seconds = 0.5

[mcp.stuck.env]
JOURNAL = {journal}
"""

A, B = f"entity-{ANN[:8]}", f"entity-{BOB[:8]}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world")
    tables = TABLES.format(
        python=json.dumps(sys.executable),
        program=json.dumps(str(PROGRAM)),
        journal=json.dumps(str(folder / "journal")),
        seconds=scaled(20.0),
    )
    async with World(folder, connector="echo", tables=tables) as world:
        await world.start()
        for name in ("clinic", "stuck"):
            await world.tools_work(name)
        await add_user(world, "ben")
        yield world


def call(tool: str, text: str = "", server: str = "clinic", **arguments: Any) -> dict[str, Any]:
    return {"text": text, "tools": [{"name": f"{server}__{tool}", "input": arguments}]}


def of_kind(frames: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame["type"] == kind]


async def test_a_call_that_reads_runs_and_its_frames_come_in_order(world: World) -> None:
    async with chatting(world) as client:
        answer = await client.ask(script(call("people", "I look."), {"text": "There are two."}))
        assert kinds(answer) == [
            *("token", "tool_call_start", "tool_call", "tool_result", "artifact", "token", "complete"),
        ]
        (start,), (made,), (result,) = (of_kind(answer, f"tool_{kind}") for kind in ("call_start", "call", "result"))
        assert start["id"] == made["id"] == result["id"]
        assert (start["name"], made["name"], made["input"]) == ("clinic__people", "clinic__people", {})
        assert result["result"]["tool_name"] == "clinic__people"
        (artifact,) = of_kind(answer, "artifact")
        assert artifact["id"] == result["id"]
        assert artifact["kind"] == "report"
        assert [row["name"] for row in artifact["data"]["people"]] == ["Ann Lee", "Bob Stone"]
        assert "There are two." in text_of(answer)

        await client.send("get_history")
        (_, told) = (await client.next("history"))["messages"]
        assert told["tool_calls"][0]["name"] == "clinic__people"
        assert told["tool_calls"][0]["result"]["tool_name"] == "clinic__people"
        assert told["artifacts"][0]["data"] == artifact["data"]
        path = f"{world.http}/api/claude-chat/sessions/{client.session_id}"
        headers = {"Authorization": f"Bearer {await jwt_of(world)}"}
        (_, read) = (await world.client.get(path, headers=headers)).json()["messages"]
        assert read["artifacts"] == told["artifacts"]


async def test_the_persons_own_screen_shows_names_and_all_others_keep_references(world: World) -> None:
    text = f"Ask {A}, not entity-99999999."
    async with chatting(world) as client, chatting(world, "ben", session_id="bens") as other:
        answer = await client.ask(script(call("people"), {"text": text}))
        assert text_of(answer) == "Ask Ann Lee, not entity-99999999."
        await client.send("get_history")
        (_, told) = (await client.next("history"))["messages"]
        assert told["content"] == "Ask Ann Lee, not entity-99999999."
        assert text_of(await other.ask(script({"text": text}))) == text
        headers = {"Authorization": f"Bearer {await jwt_of(world)}"}
        path = f"{world.http}/api/claude-chat/sessions/{client.session_id}"
        (_, read) = (await world.client.get(path, headers=headers)).json()["messages"]
        assert read["content"] == told["content"]
        path = f"{world.http}/api/claude-chat/search"
        found = (await world.client.get(path, params={"q": "99999999"}, headers=headers)).json()["messages"]
        answers = ["".join(part["text"] for part in one["excerpt"]) for one in found if one["role"] == "assistant"]
        assert all("Ann Lee" in one for one in answers)
        assert all(A not in one for one in answers)
        assert (await as_stored(world, client.session_id)).endswith(text)


async def test_the_persons_own_screen_shows_names_in_the_input_of_a_call(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(script(call("people"), {"text": "I see."}))
        await client.say(script(call("swap", from_person=A, to_person=B), {"text": "So I leave it."}))
        await client.send("confirm", id=(await client.next("confirm_request"))["id"], decision="deny")
        await client.answer()
        (_, made) = of_kind(client.frames, "tool_call")
        assert made["input"] == {"from_person": "Ann Lee", "to_person": "Bob Stone"}
        await client.send("get_history")
        told = (await client.next("history"))["messages"][-1]
        assert told["tool_calls"][0]["input"] == made["input"]


async def test_a_call_that_writes_asks_with_its_exact_arguments_in_every_tab(world: World) -> None:
    swap = script(call("swap", from_person=A, to_person=B, reason="illness"), {"text": "Done."})
    async with chatting(world) as one, chatting(world, session_id=one.session_id) as two:
        await one.ask(script(call("people"), {"text": "I see."}))
        await one.say(swap)
        asked = [await reader.next("confirm_request") for reader in (one, two)]
        assert asked[0]["id"] == asked[1]["id"]
        assert asked[0]["tool"] == "clinic__swap"
        assert "Ann Lee" in json.dumps(asked[0]["input"])
        assert "illness" in json.dumps(asked[0]["input"])
        assert not [line for line in noted(world.folder / "journal") if line.startswith("swap")]
        await two.send("confirm", id=asked[0]["id"], decision="allow")
        for reader in (one, two):
            resolved = await reader.next("confirm_resolved")
            assert (resolved["decision"], resolved["by"]) == ("allow", "alice")
            assert (await reader.answer())[-1]["type"] == "complete"
        await one.send("confirm", id=asked[0]["id"], decision="deny")  # the other tab was quicker
        assert (await one.next("notice"))["message"] == "It has been answered already, or waits no longer."
        assert noted(world.folder / "journal")[-1] == f"swap {ANN} {BOB} illness"


async def test_a_no_is_told_to_the_model_and_ends_no_answer(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(script(call("people"), {"text": "I see."}))
        await client.say(script(call("swap", from_person=A, to_person=B), {"text": "So I leave it."}))
        question = await client.next("confirm_request")
        before = len(noted(world.folder / "journal"))
        await client.send("confirm", id=question["id"], decision="deny", note="not this week")
        answer = await client.answer()
        (result,) = of_kind(answer, "tool_result")
        assert result["result"]["failed"] is True
        assert (text_of(answer), answer[-1]["type"]) == ("So I leave it.", "complete")
        assert len(noted(world.folder / "journal")) == before


async def test_a_question_can_be_answered_by_a_word_and_by_rest(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(script(call("people"), {"text": "I see."}))
        for way in ("word", "rest"):
            await client.say(script(call("swap", from_person=A, to_person=B, reason=way), {"text": "Done."}))
            question = await client.next("confirm_request")
            headers = {"Authorization": f"Bearer {await jwt_of(world)}"}
            url = f"{world.http}/api/approvals/{question['id']}"
            if way == "rest":
                response = await world.client.post(url, json={"decision": "allow"}, headers=headers)
                assert response.status_code == 200
                assert (await client.answer())[-1]["type"] == "complete"
            else:
                code = (await world.client.get(url, headers=headers)).json()["code"]
                await client.say(f"YES {code}")
                assert (await client.answer())[-1]["type"] == "complete"
                word = await client.answer()
                assert (word[-1]["type"], word[-1]["cost_usd"]) == ("complete", 0)
        assert [line.rpartition(" ")[2] for line in noted(world.folder / "journal")[-2:]] == ["word", "rest"]


async def test_an_interrupt_takes_an_open_question_away(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(script(call("people"), {"text": "I see."}))
        await client.say(script(call("swap", from_person=A, to_person=B), {"text": "Done."}))
        question = await client.next("confirm_request")
        await client.send("interrupt")
        frames = await client.until("confirm_resolved")
        frames += [] if of_kind(frames, "interrupted") else await client.until("interrupted")
        (resolved,) = of_kind(frames, "confirm_resolved")
        assert (resolved["id"], resolved["decision"], resolved["by"]) == (question["id"], "deny", "")
        assert (await client.ask(script({"text": "next"})))[-1]["type"] == "complete"


async def test_tools_that_fail_hang_or_answer_too_much(world: World) -> None:
    async with chatting(world) as client:
        hanging, large = call("hang", server="stuck"), call("large", size=10_000_000)
        steps = [call("fail"), hanging, call("markup"), large, {"text": "All tried."}]
        answer = await client.ask(script(*steps))
        results = [frame["result"] for frame in of_kind(answer, "tool_result")]
        assert [result.get("failed", False) for result in results] == [True, True, False, False]
        assert results[0]["error"].startswith("Tool execution failed: ToolError")
        assert results[1]["error"].startswith("Tool execution failed: ")
        assert "\x1b" not in json.dumps(results[2])
        assert len(results[3]["content"]) < 80_000
        assert (answer[-1]["type"], "All tried." in text_of(answer)) == ("complete", True)


async def test_a_large_structured_result_reaches_the_artifact_whole(world: World) -> None:
    async with chatting(world) as client:
        answer = await client.ask(script(call("rows", count=10_000), {"text": "Many."}))
        (artifact,) = of_kind(answer, "artifact")
        assert len(artifact["data"]["rows"]) == 10_000


async def test_a_steered_message_is_ended_by_the_answer_that_it_joined(world: World) -> None:
    async with chatting(world) as client:
        slow = {**slow_answer(8, 3.0), "tools": [{"name": "clinic__people", "input": {}}]}
        await client.say(script(slow, {"text": "For both."}))
        await client.next("token")
        await client.say("and mind the holidays", mode="steer")
        answer = await client.answer()
        assert answer[-1]["type"] == "complete"
        assert len(answer[-1]["message_ids"]) == 2
        await client.silence()


async def test_an_answer_with_a_tool_that_reads_runs_again_after_a_kill(world: World) -> None:
    async with chatting(world) as client:
        session = client.session_id
        await client.say(script(call("people"), slow_answer(20, 6.0)))
        await client.next("artifact")
        await client.next("token")
    await world.daemon.stop(signal.SIGKILL)
    await world.start()
    async with chatting(world, session_id=session) as client:
        answer = await client.answer()
        assert text_of(answer).startswith("\n\n(started again after a restart)\n\n")
        assert answer[-1]["type"] == "complete"


async def test_a_question_is_still_there_after_a_kill(world: World) -> None:
    async with chatting(world) as client:
        session = client.session_id
        await client.ask(script(call("people"), {"text": "I see."}))
        await client.say(script(call("swap", from_person=A, to_person=B, reason="later"), {"text": "Done."}))
        await client.next("confirm_request")
    await world.daemon.stop(signal.SIGKILL)
    await world.start()
    async with chatting(world, session_id=session) as client:
        question = await client.next("confirm_request")
        assert "later" in json.dumps(question["input"])
        await client.send("confirm", id=question["id"], decision="allow")
        await until(
            lambda: any(line.endswith(" later") for line in noted(world.folder / "journal")), "it is carried out", 20
        )


async def test_two_tabs_that_answer_at_the_same_time(world: World) -> None:
    async with chatting(world) as one, chatting(world, session_id=one.session_id) as two:
        await one.ask(script(call("people"), {"text": "I see."}))
        await one.say(script(call("swap", from_person=A, to_person=B, reason="race"), {"text": "Done."}))
        question = (await one.next("confirm_request"))["id"]
        await asyncio.gather(
            one.send("confirm", id=question, decision="allow"), two.send("confirm", id=question, decision="deny")
        )
        answer = await one.answer()
        assert answer[-1]["type"] == "complete"
        decided = [frame["decision"] for frame in one.frames if frame["type"] == "confirm_resolved"]
        assert decided in (["allow"], ["deny"], ["allow", "deny"]), "a no overrules a yes until the call runs"
        ran = any(line.endswith(" race") for line in noted(world.folder / "journal"))
        assert ran == (decided[-1] == "allow")
