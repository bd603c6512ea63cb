"""A file that is attached in the chat, and the real Claude Code that reads it unasked."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import pytest

from tests.e2e.chatting import chatting, jwt_of
from tests.e2e.world import World, script
from tests.slowness import scaled

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


async def test_claude_code_reads_an_attached_file_unasked(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        upload_id = str(uuid.uuid4())
        async with chatting(world) as client:
            await client.ask(f"claude: hello {script({'text': 'Hello.'})}")
            with world.database() as database:
                (conversation,) = database.execute(
                    "SELECT conversation_id FROM claude_code_sessions WHERE kind <> 'chat'"
                ).fetchone()
            headers = {"Authorization": f"Bearer {await jwt_of(world)}", "Content-Type": "application/octet-stream"}
            url = f"{world.daemon.addresses['http']}/api/uploads/{upload_id}?name=notes.txt"
            async with httpx.AsyncClient(trust_env=False, timeout=scaled(30.0)) as http:
                put = await http.put(url, content=b"the password of the garden", headers=headers)
            assert put.status_code == 201, put.text
            copy = world.daemon.state / "sessions" / conversation / "uploads" / upload_id / "notes.txt"
            read = {"tools": [{"name": "Read", "input": {"file_path": str(copy)}}]}
            frames = await client.ask(f"claude: read it {script(read, {'text': 'Read.'})}", attachments=[upload_id])
        results = [frame["result"] for frame in frames if frame["type"] == "tool_result"]
        assert "the password of the garden" in json.dumps(results)
        assert not [frame for frame in frames if frame["type"] == "confirm_request"]
