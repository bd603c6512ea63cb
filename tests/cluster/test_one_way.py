"""Packets that are dropped in one direction only: who hears and is not heard, and who is heard and does not hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from supervisor.membership import EXIT_FENCED
from tests.cluster.cluster import PHONES, Cluster, slow
from tests.cluster.invariants import check
from tests.cluster.looking import are_linked, other_than, owner, restarted, where_it_runs
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

LEASE = 5.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Nodes a and b, both active and linked."""
    async with Cluster(tmp_path_factory.mktemp("one-way"), server, lease=LEASE) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        await until(lambda: are_linked(cluster), "they are linked", 30.0, 0.2)
        yield cluster


@pytest.mark.parametrize("lost", ["statements", "answers"])
async def test_a_node_that_loses_one_direction_to_the_database_is_taken_over(cluster: Cluster, lost: str) -> None:
    text = f"it ran, {lost}"
    assert (await cluster.text("a", slow(text, scaled(6.0))))[0] == 200
    name = await where_it_runs(cluster)
    alive = other_than(cluster, name)
    cluster[name].store.cut(forth=lost == "statements", back=lost == "answers")
    # What reaches the node now is stored or not; its sender does not hear, and sends it to the other node.
    sid = cluster.twilio.book.received(PHONES["ben"], f"claude: both, {lost}", 0).sid
    at_the_cut = asyncio.create_task(cluster.text(name, "", sid=sid))
    await cluster.answer(text)
    assert await cluster.text(alive, "", sid=sid) == (200, sid)
    await cluster.answer(f"both, {lost}", PHONES["ben"])
    cluster[name].store.mend()
    assert await cluster[name].daemon.ended() == EXIT_FENCED
    await at_the_cut  # 503, or 200 where it heard at last that the text was accepted by the other
    await restarted(cluster, name)
    await check(cluster, alive, accepted={text: PHONES["alice"], f"both, {lost}": PHONES["ben"]})


@pytest.mark.parametrize("lost", ["forth", "back"])
async def test_a_link_that_loses_one_direction_breaks_and_acts_fail_at_once(cluster: Cluster, lost: str) -> None:
    await until(lambda: are_linked(cluster), "they are linked", 30.0, 0.2)
    await cluster.ask("a", f"claude: linked, {lost}", f"linked, {lost}")
    ((session,),) = await cluster.rows("SELECT id FROM claude_code_sessions WHERE user_id = 'alice'")
    asking = other_than(cluster, await owner(cluster))
    for node in cluster.nodes.values():
        node.link.cut(forth=lost == "forth", back=lost == "back")
    path = f"/api/claude-code/sessions/{session}/interrupt"
    response = await asyncio.wait_for(cluster.operator(asking, "POST", path), scaled(15.0))
    assert (response.status_code, response.json()["code"]) == (503, "node_unreachable")
    await cluster.ask(asking, f"claude: unlinked, {lost}", f"unlinked, {lost}")
    for node in cluster.nodes.values():
        node.link.mend()
    await until(lambda: are_linked(cluster), "they are linked again", 30.0, 0.2)
    assert (await cluster.operator(asking, "POST", path)).status_code == httpx.codes.OK
