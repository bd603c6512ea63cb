"""A question about a tool call is answered at any node, and counted once, also where its node dies meanwhile."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cluster.cluster import PHONES, Cluster
from tests.cluster.invariants import check
from tests.cluster.looking import other_than, restarted, running_at
from tests.postgres_server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

ROUNDS = 12
"""Questions that are answered at both nodes at the same moment."""
LEASE = 6.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Nodes a and b, both active, with the real Claude Code."""
    folder = tmp_path_factory.mktemp("questions")
    async with Cluster(folder, server, connector="claude_code", lease=LEASE, claude_code='sandbox = "off"') as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        yield cluster


def noting(number: int) -> str:
    """Return a text whose turn asks whether it may write a line to a file."""
    call = {"name": "Bash", "input": {"command": f"echo {number} >> made.log", "description": "note it"}}
    return "claude: @@" + json.dumps({"steps": [{"tools": [call]}, {"text": f"noted {number}."}]})


def made(cluster: Cluster) -> list[str]:
    """Return the lines that were written."""
    path = cluster.project() / "made.log"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


async def asked(cluster: Cluster, call: str) -> str:
    """Return the code of the question about a call."""
    found = re.search(r"\bYES ([A-Z]{5})\b", await cluster.answer(call))
    assert found is not None
    return found[1]


async def yes_by_http(cluster: Cluster, at: str, code: str) -> int:
    """Allow a call as the operator does; return the HTTP status."""
    return (await cluster.operator(at, "POST", f"/api/approvals/{code}", {"decision": "allow"})).status_code


async def yes_at_both(cluster: Cluster, number: int, code: str) -> None:
    """Answer a question at both nodes at one moment: by two texts, by one that Twilio repeats, by text and HTTP."""
    said = f"YES {code}"
    match number % 3:
        case 0:
            answered = await asyncio.gather(*(cluster.text(at, said) for at in ("a", "b")))
            assert {status for status, _ in answered} == {200}
        case 1:
            sid = cluster.twilio.book.received(PHONES["alice"], said, 0).sid
            answered = await asyncio.gather(*(cluster.text(at, "", sid=sid) for at in ("a", "b")))
            assert {status for status, _ in answered} == {200}
        case _:
            (status, _), other = await asyncio.gather(cluster.text("a", said), yes_by_http(cluster, "b", code))
            assert status == 200
            assert other in (200, 409), other


async def test_a_yes_that_is_given_at_both_nodes_at_one_moment_counts_once(cluster: Cluster) -> None:
    for number in range(ROUNDS):
        assert (await cluster.text("ab"[number % 2], noting(number)))[0] == 200
        await yes_at_both(cluster, number, await asked(cluster, f"echo {number} >> made.log"))
        await cluster.answer(f"noted {number}.")
    assert made(cluster) == [str(number) for number in range(ROUNDS)]
    (counted,) = await cluster.rows(
        "SELECT count(*), count(DISTINCT detail) FROM audit WHERE event = 'approval.allowed'"
    )
    assert counted == (ROUNDS, ROUNDS)
    accepted = {f"noted {number}.": PHONES["alice"] for number in range(ROUNDS)}
    assert set(await check(cluster, "a", accepted=accepted)) == {"completed"}
    by_text = len(cluster.answers("Allowed once: "))
    by_http = await cluster.rows("SELECT 1 FROM audit WHERE event = 'approval.allowed' AND detail LIKE '%%http%%'")
    assert by_text + len(by_http) == ROUNDS


async def test_a_question_whose_node_dies_is_answered_at_the_other_and_its_call_runs_once(cluster: Cluster) -> None:
    assert (await cluster.text("a", "claude: run touch kept.txt", PHONES["alice"]))[0] == 200
    code = await asked(cluster, "touch kept.txt")
    (dead,) = await running_at(cluster)
    alive = other_than(cluster, dead)
    await cluster[dead].kill()
    await cluster.answer("was interrupted")
    assert not (cluster.project() / "kept.txt").exists()
    await cluster.ask(alive, f"YES {code}", "its work goes on")
    await until((cluster.project() / "kept.txt").exists, "the call runs", 60.0)
    await cluster.ask(alive, f"YES {code}", f"{code} was allowed before")
    await restarted(cluster, dead)
    assert (await check(cluster, dead, accepted={}))["interrupted"] == 1
