"""Who waits for a project that no node has is told once; a project that a node has, or may have, is no trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from supervisor.background.unserved import Unserved
from supervisor.cluster.cluster import Cluster
from supervisor.protocol.events import AnyEvent, ChatNotice
from supervisor.protocol.messages import CHAT, ProjectName, SessionId
from supervisor.protocol.times import now_ms
from supervisor.store.ports.cluster.nodes import LONG_WAIT_MS, NewNode
from tests.supervisor.harness import Core
from tests.supervisor.helpers import project, text_message
from tests.supervisor.store.builders import prompt, with_session
from tests.waiting import until

pytestmark = pytest.mark.postgres

A = NewNode(name="a", seat="a", lease_seconds=600.0)
TOLD = 'No node that has the project shop is running; your message "fix it" waits.'


@pytest.fixture
async def core(tmp_path: Path, url: str) -> AsyncIterator[Core]:
    """A node that has the project "site", and not "shop"."""
    elsewhere = project(tmp_path, "shop", nodes=("rack-9",))
    async with Core(tmp_path, url=url, node=A, projects=elsewhere) as core:
        yield core


class Looking:
    """What looks, with a clock that is ahead of ours from the second look on."""

    def __init__(self, core: Core, *, later_ms: int = LONG_WAIT_MS) -> None:
        self.later_ms = later_ms
        self._ahead_ms = 0
        self._cluster = Cluster(core.store.nodes, core.store.epoch)
        self._unserved = Unserved(
            core.store.nodes,
            core.store.turns,
            core.store.outbox,
            self._cluster,
            core.projects,
            core.hub,
            clock=lambda: now_ms() + self._ahead_ms,
        )

    async def look(self) -> None:
        await self._cluster.look()
        await self._unserved.look()
        self._ahead_ms = self.later_ms


async def looking(core: Core, *, later_ms: int = LONG_WAIT_MS) -> Looking:
    """Return what has looked once, some time ago."""
    looking = Looking(core, later_ms=later_ms)
    await looking.look()
    return looking


async def texts(core: Core) -> list[str]:
    due = await core.store.outbox.due("sms", now_ms=now_ms() + LONG_WAIT_MS, limit=9)
    return [row.text for row in due]


async def test_the_sender_is_told_once_whichever_node_looks(core: Core) -> None:
    await core.intake.accept(text_message("@shop fix it"))
    await (await looking(core, later_ms=LONG_WAIT_MS - 10_000)).look()
    assert await texts(core) == []
    for look in (await looking(core), await looking(core)):
        await look.look()
        await look.look()
    assert await texts(core) == [TOLD]


async def test_a_project_that_this_node_has_is_no_trouble(core: Core) -> None:
    await (await looking(core)).look()
    (own,) = await core.store.nodes.live()
    assert own.projects is not None
    assert "site" in own.projects
    assert "shop" not in own.projects


async def test_while_another_node_has_it_or_does_not_say_nobody_is_told(core: Core, url: str) -> None:
    await core.intake.accept(text_message("@shop fix it"))
    for projects in ('["shop"]', None):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM nodes WHERE name = 'b'")
            connection.execute(
                "INSERT INTO nodes (name, epoch, seat, until_ms, url, labels, version, projects)"
                " VALUES ('b', 99999, 'b', 9999999999999, '', '[]', '', %s)",
                (projects,),
            )
        await (await looking(core)).look()
        assert await texts(core) == []


async def test_a_message_that_waited_long_is_no_reason_to_tell_of_a_node_that_starts_again(
    core: Core, url: str
) -> None:
    await core.intake.accept(text_message("@shop fix it"))
    look = await looking(core)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO nodes (name, epoch, seat, until_ms, url, labels, version, projects)"
            " VALUES ('b', 99999, 'b', 9999999999999, '', '[]', '', '[\"shop\"]')"
        )
        await look.look()
        connection.execute("DELETE FROM nodes WHERE name = 'b'")
    await look.look()
    assert await texts(core) == []
    look.later_ms = 2 * LONG_WAIT_MS
    await look.look()
    await look.look()
    assert await texts(core) == [TOLD]


async def test_the_node_that_joined_first_tells(core: Core, url: str) -> None:
    await core.intake.accept(text_message("@shop fix it"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO nodes (name, epoch, seat, until_ms, url, labels, version, projects)"
            " VALUES ('b', 0, 'b', 9999999999999, '', '[]', '', '[]')"
        )
    await (await looking(core)).look()
    assert await texts(core) == []


async def test_a_chat_shows_it_and_a_message_behind_it_is_not_told_again(core: Core) -> None:
    heard: list[AnyEvent] = []
    core.hub.subscribe("chat:c1", heard.append)
    look = await looking(core)
    await with_session(core.store)
    await core.api.chat.open(core.directory.user("alice"), SessionId("c1"))
    for text in ("fix it", "and that"):
        await core.store.turns.accept(
            prompt(text=text, channel=CHAT, thread="c1", reply=None, project=ProjectName("shop"), now_ms=now_ms())
        )
        await look.look()
    await until(lambda: heard, "the chat is told")
    assert heard == [ChatNotice(session_id="c1", message=TOLD)]
