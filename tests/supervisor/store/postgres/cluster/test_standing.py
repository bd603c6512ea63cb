"""How the server does: its clock, its settings, who writes, and what waits for a node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict

import psycopg
import pytest

from supervisor.store.postgres.cluster.standing import WRITE_LOCK
from supervisor.store.postgres.store import PostgresStore
from tests.supervisor.store.builders import prompt, with_session
from tests.supervisor.store.postgres.cluster.test_nodes import A, change, joined

pytestmark = pytest.mark.postgres


@pytest.fixture
async def a(url: str) -> AsyncIterator[PostgresStore]:
    """The store of node a."""
    async with joined(url, A) as store:
        yield store


async def test_the_server_tells_its_clock_its_settings_and_who_writes(url: str, a: PostgresStore) -> None:
    standing = await a.nodes.standing()
    assert standing is not None
    assert abs(standing.behind_ms) < 60_000
    assert (standing.writer, standing.settings["fsync"]) == ("", "on")
    with psycopg.connect(url, application_name="who writes") as holder:
        holder.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        held = await a.nodes.standing()
    assert held is not None
    assert held.writer == "who writes"
    assert held.held_ms >= 0


async def test_the_resources_of_the_nodes_that_live_are_told_and_the_channels_among_them(a: PostgresStore) -> None:
    for resource in ("project/site", "channel/sms", "channel/mail"):
        assert await a.resources.claim(resource, now_ms=1)
    standing = await a.nodes.standing()
    assert standing is not None
    assert asdict(standing)["owned"] == {"a": ["channel/mail", "channel/sms", "project/site"]}
    assert standing.led == ["mail", "sms"]


async def test_a_project_whose_messages_wait_is_named_while_no_node_has_it(url: str, a: PostgresStore) -> None:
    async def waiting() -> list[str]:
        standing = await a.nodes.standing()
        assert standing is not None
        return standing.waiting

    await with_session(a)
    await a.turns.accept(prompt(now_ms=1))
    assert await waiting() == ["shop"]
    await a.nodes.tell(["shop"], [])
    assert await waiting() == []
    change(url, "UPDATE nodes SET projects = NULL")
    assert await waiting() == []
