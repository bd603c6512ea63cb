"""A conversation goes from one node to the other and back, and forgets nothing of what was said meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.postgres_server import PostgresServer

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
