"""Two active nodes and the link between them: events where somebody watches, acts where the process is, and a cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection

from tests.cluster.cluster import Cluster
from tests.cluster.looking import are_linked
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

SESSION = "/api/claude-code/sessions/linked"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Nodes a and b, both active and linked; a works in the folder of the project."""
    async with Cluster(tmp_path_factory.mktemp("linked"), server, ["a", "b"]) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        await until(lambda: are_linked(cluster), "they are linked", 30.0, 0.2)
        async with cluster.socket("a") as wire:
            connected = await request(wire, type="claude_code_connect", session_id="linked", **whose(cluster))
            assert connected["type"] == "claude_code_connected"
        yield cluster


def whose(cluster: Cluster) -> dict[str, str]:
    return {"project_path": str(cluster.project()), "user_id": "alice"}


async def request(wire: ClientConnection, **message: Any) -> dict[str, Any]:
    """Send a request and return its answer."""
    await wire.send(json.dumps(message | {"request_id": "1"}))
    async with asyncio.timeout(scaled(30.0)):
        while (answer := json.loads(await wire.recv())).get("request_id") != "1":
            pass
    found: dict[str, Any] = answer
    return found


async def said(wire: ClientConnection) -> str:
    """Return the next piece of an answer."""
    async with asyncio.timeout(scaled(30.0)):
        while (event := json.loads(await wire.recv()))["type"] != "claude_code_delta":
            pass
    return str(event["text"])


async def test_who_watches_at_one_node_sees_what_the_other_says(cluster: Cluster) -> None:
    async with cluster.socket("b") as watching:
        await request(watching, type="subscribe", topics=["session:linked"])
        sent = await cluster.operator("a", "POST", f"{SESSION}/messages", {"message": "seen from b"})
        assert sent.status_code == 200, sent.text
        assert await said(watching) == "seen from b"


async def test_a_session_is_reached_from_the_node_without_its_process(cluster: Cluster) -> None:
    async with cluster.socket("b") as wire:
        again = await request(wire, type="claude_code_connect", session_id="linked", **whose(cluster))
        assert (again["type"], again.get("resumed")) == ("claude_code_connected", False), again
        stopped = await request(wire, type="claude_code_interrupt", session_id="linked")
        assert (stopped["type"], stopped["message_id"]) == ("claude_code_interrupted", None), stopped


async def test_a_file_that_was_attached_at_one_node_is_given_back_at_the_other(cluster: Cluster) -> None:
    made = await cluster.operator("a", "POST", "/api/admin/tokens", {"user_id": "alice"})
    headers = {"Authorization": f"Bearer {made.json()['token']}", "Content-Type": "application/octet-stream"}
    path = f"/api/uploads/{uuid4()}"

    async def is_known() -> bool:
        listed = await cluster.client.get(f"{cluster['b'].http}/api/claude-code/sessions", headers=headers)
        return listed.status_code == 200

    await until(is_known, "b knows the token")
    put = await cluster.client.put(f"{cluster['a'].http}{path}?name=a.txt", headers=headers, content=b"who wrote it?")
    assert put.status_code == 201, put.text
    # The nodes of the tests are on one disk, so the path says that it is another one.
    assert await cluster.rows("UPDATE uploads SET path = '/of/another/machine' RETURNING id")
    for name in ("b", "a"):
        got = await cluster.client.get(cluster[name].http + path, headers=headers)
        assert (got.status_code, got.content) == (200, b"who wrote it?"), name
    await until(lambda: "was fetched from node a" in cluster["b"].log, "it is logged")


async def test_while_the_link_is_cut_acts_fail_at_once_and_turns_go_on(cluster: Cluster) -> None:
    for node in cluster.nodes.values():
        node.link.cut()
    response = await asyncio.wait_for(cluster.operator("b", "POST", f"{SESSION}/interrupt"), scaled(15.0))
    assert (response.status_code, response.json()["code"]) == (503, "node_unreachable")
    assert "Node a cannot be reached" in response.json()["error"]
    await cluster.ask("b", "claude: without a link", "without a link")
    for node in cluster.nodes.values():
        node.link.mend()
    await until(lambda: are_linked(cluster), "they are linked again", 30.0, 0.2)
    assert (await cluster.operator("b", "POST", f"{SESSION}/interrupt")).status_code == 200


async def test_the_doctor_finds_all_well(cluster: Cluster) -> None:
    found = {check["name"]: check for check in json.loads((await cluster["b"].xswarm("doctor", "--json")).out)}
    names = ("nodes", "links", "clock", "write lock", "projects", "channel leaders", "database server")
    assert {found[name]["status"] for name in names} == {"ok"}, found
