"""The assistant of the chat gives the real Claude Code a task, in a whole daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chatting import Frame, chatting, text_of
from tests.e2e.world import World
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


def artifact_of(frames: list[Frame]) -> dict[str, Any]:
    return dict(next(frame["data"] for frame in frames if frame["type"] == "artifact"))


async def test_a_task_changes_a_file_after_a_yes_and_its_session_and_cost_are_shown(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        async with chatting(world) as client:
            task = "create a file made.txt containing by delegation"
            await client.say(f"call claude_code {json.dumps({'project': 'site', 'task': task})}")
            asked = await client.next("confirm_request")
            assert asked["input"] == {"project": "site", "task": task}
            assert not (world.project() / "made.txt").exists()
            await client.send("confirm", id=asked["id"], decision="allow")
            frames = await client.answer()
            assert (world.project() / "made.txt").read_text().strip() == "by delegation"
            assert "made.txt" in text_of(frames)
            made = artifact_of(frames)
            assert frames[-1]["cost_usd"] > made["cost_usd"] > 0, "the message shows both costs"
            session = await world.operator("GET", f"/api/claude-code/sessions/{made['session_id']}")
            assert session.json()["user_id"] == "alice"

            task = "run `sleep 600`"
            await client.say(f"call claude_code {json.dumps({'project': 'site', 'task': task})}")
            asked = await client.next("confirm_request")
            await client.send("confirm", id=asked["id"], decision="allow")
            asked = await client.next("confirm_request")
            assert (asked["tool"], asked["input"]["command"]) == ("Bash", "sleep 600")
            await client.send("interrupt")
            assert (await client.answer())[-1]["type"] == "interrupted"

            async def idle() -> bool:
                found = await world.operator("GET", f"/api/claude-code/sessions/{made['session_id']}/messages")
                return bool(found.json()["messages"][-1]["status"] == "cancelled")

            await until(idle, "the task is interrupted with the answer", interval=0.1)
