"""Several active nodes: a message is accepted at any of them, run by one, and answered once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.cluster.cluster import PHONES, Cluster, slow
from tests.cluster.invariants import check
from tests.cluster.looking import other_than, owner, runs, where_it_runs
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

LEASE = 5.0
REPEATED = 50
"""Webhooks that come to both nodes at the same moment."""
KEYED = 10
"""Requests with one Idempotency-Key that come to both nodes at the same moment."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Nodes a and b, both active."""
    async with Cluster(tmp_path_factory.mktemp("active"), server, lease=LEASE) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        yield cluster


async def test_a_user_who_was_added_at_one_node_is_served_by_the_other(cluster: Cluster) -> None:
    assert "at b" in await cluster.ask("b", "claude: at b", "at b")
    assert "at a" in await cluster.ask("a", "claude: at a", "at a")
    sessions = (await cluster.operator("a", "GET", "/api/claude-code/sessions")).json()["sessions"]
    assert [session["message_count"] for session in sessions] == [2]


async def test_a_webhook_that_comes_to_both_nodes_at_one_moment_counts_once(cluster: Cluster) -> None:
    for number in range(REPEATED):
        sid = cluster.twilio.book.received(PHONES["ben"], f"claude: both {number}.", 0).sid
        answered = await asyncio.gather(*(cluster.text(at, "", sid=sid) for at in ("a", "b")))
        assert {status for status, _ in answered} == {200}
    await check(cluster, "a", accepted={f"both {number}.": PHONES["ben"] for number in range(REPEATED)})


async def test_two_first_texts_at_two_nodes_begin_one_conversation(cluster: Cluster) -> None:
    texts = [("a", "claude: first at a"), ("b", "claude: first at b")]
    answered = await asyncio.gather(*(cluster.text(at, text, PHONES["cara"]) for at, text in texts))
    assert {status for status, _ in answered} == {200}
    for _, text in texts:
        await cluster.answer(text.removeprefix("claude: "), PHONES["cara"])
    rows = await cluster.rows("SELECT count(*) FROM claude_code_sessions WHERE user_id = 'cara'")
    assert rows == [(1,)]


async def test_a_caller_who_waits_at_one_node_gets_the_answer_of_the_other(cluster: Cluster) -> None:
    sessions = (await cluster.operator("a", "GET", "/api/claude-code/sessions")).json()["sessions"]
    session = sessions[0]["session_id"]
    other = other_than(cluster, await owner(cluster))
    answer = await cluster.operator(
        other, "POST", f"/api/claude-code/sessions/{session}/messages", {"message": "who waits"}
    )
    assert answer.status_code == 200, answer.text
    assert "who waits" in answer.text


async def test_abort_at_one_node_stops_the_turn_of_the_other(cluster: Cluster) -> None:
    status, _ = await cluster.text("a", slow("it was not stopped", 60.0))
    assert status == 200
    status, _ = await cluster.text(other_than(cluster, await where_it_runs(cluster)), "ABORT")
    assert status == 200

    async def is_stopped() -> bool:
        return not await runs(cluster)

    await until(is_stopped, "it is stopped")
    assert cluster.answers("it was not stopped") == []


async def test_a_token_that_is_revoked_at_one_node_is_refused_by_the_other(cluster: Cluster) -> None:
    made = (await cluster.operator("a", "POST", "/api/admin/tokens", {"user_id": "alice"})).json()

    async def status() -> int:
        return (await asked_with(cluster, "b", made["token"])).status_code

    async def is_known() -> bool:
        return await status() == 200

    async def is_refused() -> bool:
        return await status() == 401

    await until(is_known, "b knows it")
    assert (await cluster.operator("a", "DELETE", f"/api/admin/tokens/{made['id']}")).status_code in (200, 204)
    await until(is_refused, "b refuses it")


async def asked_with(cluster: Cluster, at: str, token: str) -> httpx.Response:
    """Ask a node for the sessions of a token's holder."""
    headers = {"Authorization": f"Bearer {token}"}
    return await cluster.client.get(f"{cluster[at].http}/api/claude-code/sessions", headers=headers)


async def test_a_request_with_one_key_at_both_nodes_is_carried_out_once(cluster: Cluster) -> None:
    sessions = (await cluster.operator("a", "GET", "/api/claude-code/sessions")).json()["sessions"]
    path = f"/api/claude-code/sessions/{sessions[0]['session_id']}/messages"

    async def sent(at: str, key: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {cluster[at].daemon.token}", "Idempotency-Key": key}
        url, body = cluster[at].http + path, {"message": f"keyed {key}"}
        answer = await cluster.client.post(url, headers=headers, json=body)
        return answer.status_code, answer.json().get("message_id", answer.text)

    for number in range(KEYED):
        first, second = await asyncio.gather(*(sent(at, f"key {number}") for at in ("a", "b")))
        assert first[0] == second[0] == 200, (first, second)
    rows = await cluster.rows("SELECT count(*) FROM claude_code_messages WHERE message LIKE 'keyed %%'")
    assert rows == [(2 * KEYED,)], "a prompt and an answer each"


async def test_what_a_dead_node_ran_is_answered_by_the_one_that_lives(cluster: Cluster) -> None:
    status, _ = await cluster.text("b", slow("of the dead node", scaled(6.0)))
    assert status == 200
    dead = await where_it_runs(cluster)
    alive = other_than(cluster, dead)
    await cluster[dead].kill()
    await cluster.ask(alive, "claude: goes on", "goes on", PHONES["ben"])
    await cluster.answer("of the dead node", seconds=30.0)
    await check(cluster, alive, accepted={"of the dead node": PHONES["alice"], "goes on": PHONES["ben"]})
