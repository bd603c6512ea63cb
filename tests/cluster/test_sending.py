"""Texts to people whose sender dies while it sends them: another node finds out what became of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from supervisor.demo.twilio import Failure
from tests.cluster.cluster import PHONES, Cluster
from tests.cluster.invariants import check
from tests.cluster.looking import other_than, owner, restarted
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

SENDING = "SELECT 1 FROM outbox WHERE state = 'sending'"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Nodes a and b, both active; one of them sends the texts."""
    async with Cluster(tmp_path_factory.mktemp("sending"), server, lease=5.0) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        cluster.twilio.progress_seconds = scaled(30.0)  # no report tells what happened to a text before its sender goes
        yield cluster


@pytest.mark.parametrize("how", ["kill", "pause", "cut"])
async def test_a_text_whose_sender_goes_before_it_knows_is_not_sent_again(cluster: Cluster, how: str) -> None:
    sender = await owner(cluster, "channel/sms")
    assert sender
    alive = other_than(cluster, sender)
    cluster.twilio.fail_next(Failure.HANG)
    assert (await cluster.text(alive, f"claude: sent before {how}"))[0] == 200
    await cluster.answer(f"sent before {how}")
    assert await cluster.rows(SENDING)
    match how:
        case "kill":
            await cluster[sender].kill()
        case "pause":
            cluster[sender].pause()
        case _:
            cluster[sender].store.cut()
    await cluster.ask(alive, f"claude: sent after {how}", f"sent after {how}", PHONES["ben"])
    assert await owner(cluster, "channel/sms") == alive
    cluster[sender].store.mend()
    await cluster[sender].daemon.ended()
    await until(lambda: nothing_is_sent(cluster), "what was sent is known", 60.0, 0.1)
    await restarted(cluster, sender)
    accepted = {f"sent before {how}": PHONES["alice"], f"sent after {how}": PHONES["ben"]}
    await check(cluster, sender, accepted=accepted)


async def nothing_is_sent(cluster: Cluster) -> bool:
    return not await cluster.rows(SENDING)
