"""A conversation goes from one node to the other and back, and what is asked at one node is run by the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.cluster.cluster import Cluster
from tests.cluster.looking import are_linked
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

ANEW = "Claude Code begins anew here"


def say(text: str) -> str:
    """Return a text to Claude Code whose answer is `text`."""
    return "claude: @@" + json.dumps({"steps": [{"text": text}]})


def transcripts(cluster: Cluster, name: str, ending: str) -> list[str]:
    """Return what a node has of conversations."""
    return [path.read_text() for path in cluster[name].daemon.state.glob(f"sessions/*/config/projects/*/*{ending}")]


async def test_a_conversation_that_comes_back_knows_what_was_said_at_the_other_node(
    tmp_path: Path, server: PostgresServer
) -> None:
    async with Cluster(tmp_path, server, connector="claude_code", claude_code='sandbox = "off"') as cluster:
        a, b = cluster["a"], cluster["b"]
        await a.start()
        await cluster.add_people("a")
        assert ANEW not in await cluster.ask("a", say("walnut"), "walnut")
        assert ANEW not in await cluster.ask("a", say("cherry"), "cherry")
        await a.stop()
        await b.start()
        assert ANEW in await cluster.ask("b", say("maple"), "maple")
        assert ANEW not in await cluster.ask("b", say("larch"), "larch")
        await b.stop()
        await a.start()
        assert ANEW in await cluster.ask("a", say("rowan"), "rowan")
        (older,) = transcripts(cluster, "a", ".older-1")
        (newest,) = transcripts(cluster, "a", ".jsonl")
        assert "maple" not in older
        assert all(word in newest for word in ("walnut", "cherry", "maple", "larch", "rowan"))


async def test_a_single_prompt_at_one_node_runs_where_its_folder_is(tmp_path: Path, server: PostgresServer) -> None:
    async with Cluster(tmp_path, server, connector="claude_code", claude_code='sandbox = "off"') as cluster:
        a, b = cluster["a"], cluster["b"]
        await a.start()
        await cluster.add_people("a")
        await cluster.ask("a", say("walnut"), "walnut")
        await b.start()
        await until(lambda: are_linked(cluster), "they are linked", 30.0, 0.2)
        url = f"{b.http.replace('http', 'ws')}/ws/claude?user_id=alice&project=site"
        headers = {"Authorization": f"Bearer {b.daemon.token}"}
        async with connect(url, additional_headers=headers, proxy=None, open_timeout=scaled(30.0)) as socket:
            assert "info" in json.loads(await socket.recv())
            await socket.send(json.dumps({"prompt": say("maple").removeprefix("claude: ")}))
            lines = [json.loads(line) async for line in socket]
        assert (lines[0]["type"], lines[0]["subtype"]) == ("system", "init")
        assert (lines[-1]["type"], lines[-1]["result"]) == ("result", "maple")
        assert not list(b.daemon.state.glob("sessions/*"))
