"""Idempotency-Key: the first answer again, whenever and however often the request comes."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.times import now_ms
from supervisor.store import open_store
from supervisor.wires.http.idempotency import HEADER
from tests.supervisor.harness import ALICE_PHONE, SERVICE, seal
from tests.supervisor.wires.http.serving import ROUTE, SESSIONS, Served, refusal
from tests.waiting import until

KEY = {HEADER: "order 66"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path) as served:
        yield served


async def test_repetition_gets_the_first_answer_and_runs_nothing(served: Served) -> None:
    session_id = await served.session()
    first = await served.prompt(session_id, "hello", headers=KEY)
    second = await served.prompt(session_id, "hello", headers=KEY)
    assert (second.status_code, second.json()) == (200, first.json())
    assert second.headers["content-type"] == "application/json"
    assert served.core.scripted.prompts == ["hello"]


async def test_session_is_created_once(served: Served) -> None:
    body = {"user_id": "alice", "project_path": str(served.core.site)}
    answers = [await served.service.post(SESSIONS, json=body, headers=KEY) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await served.service.get(SESSIONS)).json()["sessions"]) == 1


async def test_many_at_once_run_once(served: Served) -> None:
    session_id = await served.session()
    asking = [asyncio.create_task(served.prompt(session_id, "hold", headers=KEY), name="asking") for _ in range(10)]
    await until(lambda: served.core.scripted.prompts, "one of them runs")
    other = await served.prompt(session_id, "another", headers=KEY)
    assert refusal(other) == (409, "idempotency_conflict", "Already used for another message: order 66")
    served.core.scripted.release()
    answers = [answer.json() for answer in await asyncio.gather(*asking)]
    assert answers == [answers[0]] * 10
    assert answers[0]["content"] == "released"
    assert served.core.scripted.prompts == ["hold"]


async def test_same_key_with_another_body_is_409(served: Served) -> None:
    session_id = await served.session()
    await served.prompt(session_id, "hello", headers=KEY)
    conflict = (409, "idempotency_conflict", "Already used for another message: order 66")
    assert refusal(await served.prompt(session_id, "hello!", headers=KEY)) == conflict


async def test_key_counts_for_one_caller_method_and_path(served: Served) -> None:
    first, second = await served.session(), await served.session()
    alice = await served.client_of("alice")
    answers = [
        await served.prompt(first, "hello", headers=KEY),
        await served.prompt(second, "hello", headers=KEY),
        await alice.post(f"{SESSIONS}/{first}/messages", json={"message": "another"}, headers=KEY),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert served.core.scripted.prompts == ["hello", "hello", "another"]


async def test_answer_is_kept_over_a_restart(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        session_id = await served.session()
        first = await served.prompt(session_id, "hello", headers=KEY)
    async with Served(tmp_path) as served:
        again = await served.prompt(session_id, "hello", headers=KEY)
        assert again.json() == first.json()
        other = await served.prompt(session_id, "another", headers=KEY)
        assert refusal(other)[:2] == (409, "idempotency_conflict")
        assert served.core.scripted.prompts == []


def crashed_before_the_answer_was_kept(folder: Path) -> None:
    """Leave what a crash between a turn's end and the answer to its caller leaves: the message alone."""
    with closing(sqlite3.connect(folder / "xswarm.db")) as database, database:
        assert database.execute("DELETE FROM idempotency").rowcount


async def test_prompt_is_not_run_again_after_a_crash(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        session_id = await served.session()
        first = await served.prompt(session_id, "hello", headers=KEY)
    crashed_before_the_answer_was_kept(tmp_path)
    async with Served(tmp_path) as served:
        other = await served.prompt(session_id, "another", headers=KEY)
        assert refusal(other) == (409, "idempotency_conflict", "Already used for another message: order 66")
        again = await served.prompt(session_id, "hello", headers=KEY)
        assert again.json() == first.json()
        assert served.core.scripted.prompts == []


async def test_routed_conversation_stays_where_it_went_after_a_crash(tmp_path: Path) -> None:
    body = {"from": ALICE_PHONE, "message": "fix the tests", "channel": "sms"}
    async with Served(tmp_path) as served:
        first = await served.service.post(ROUTE, json=body, headers=KEY)
        await until(served.core.all_answered, "it has ended")
    crashed_before_the_answer_was_kept(tmp_path)
    async with Served(tmp_path) as served:
        # By now the message would not be routed.
        await served.operator.put(
            "/api/admin/users/alice", json={"name": "A", "role": "OPERATOR", "phones": [ALICE_PHONE]}
        )
        again = await served.service.post(ROUTE, json=body, headers=KEY)
        assert again.json() == first.json()
        assert served.core.scripted.prompts == []


async def test_conversation_that_was_not_routed_stays_so(served: Served) -> None:
    body = {"from": ALICE_PHONE, "message": "and then?", "channel": "sms"}
    first = (await served.service.post(ROUTE, json=body, headers=KEY)).json()
    assert first["routed"] is False
    await served.service.post(ROUTE, json=body | {"message": "fix the tests"})
    await until(served.core.all_answered, "it has ended")
    assert (await served.service.post(ROUTE, json=body)).json()["routed"] is True
    assert (await served.service.post(ROUTE, json=body, headers=KEY)).json() == first


async def test_turn_that_failed_is_not_run_again(served: Served) -> None:
    session_id = await served.session()
    first = await served.prompt(session_id, "fail the disk is gone", headers=KEY)
    second = await served.prompt(session_id, "fail the disk is gone", headers=KEY)
    assert refusal(first) == refusal(second) == (502, "turn_failed", "Claude Code failed: the disk is gone")
    assert len(served.core.scripted.prompts) == 1


async def test_what_was_refused_may_be_tried_again(served: Served) -> None:
    session_id = await served.session()
    served.core.turns.queued = 1_000
    assert (await served.prompt(session_id, "hello", headers=KEY)).status_code == 503
    served.core.turns.queued = 0
    assert (await served.prompt(session_id, "hello", headers=KEY)).status_code == 200


async def test_answer_that_could_not_be_stored_is_still_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Served(tmp_path) as served:
        session_id = await served.session()
        asking = asyncio.create_task(served.prompt(session_id, "hold", headers=KEY), name="asking")
        await until(lambda: served.core.scripted.prompts, "it runs")
        with closing(sqlite3.connect(tmp_path / "xswarm.db")) as database, database:
            database.execute("CREATE TRIGGER no BEFORE INSERT ON idempotency BEGIN SELECT raise(ABORT, 'broken'); END")
        served.core.scripted.release()
        assert (await asking).status_code == 200
        assert "could not be stored" in caplog.text


async def test_request_that_another_node_carries_out_is_waited_for(served: Served) -> None:
    session_id = await served.session()
    place = f"POST {SESSIONS}/{session_id}/messages"
    owner = f"{served.core.directory.caller(SERVICE).account} {place}"
    other = await open_store(served.core.folder / "xswarm.db", seal=seal)
    try:
        assert await other.keys.claim(owner, KEY[HEADER], now_ms=now_ms())
        asking = asyncio.create_task(served.prompt(session_id, "hello", headers=KEY), name="asking")
        digest = hashlib.sha256(b"").hexdigest()
        await other.keys.keep_answer(owner, KEY[HEADER], digest, 200, "{}", now_ms=now_ms())
        assert refusal(await asking)[:2] == (409, "idempotency_conflict")
        assert served.core.scripted.prompts == []
    finally:
        await other.close()


@pytest.mark.parametrize("key", ["", "k" * 129, "ä".encode().decode("latin-1")])
async def test_key_that_is_none_is_422(served: Served, key: str) -> None:
    headers = [(HEADER.encode(), key.encode("latin-1")), (b"Content-Type", b"application/json")]
    response = await served.service.post(SESSIONS, content=b"{}", headers=headers)
    status, code, text = refusal(response)
    assert (status, code) == (422, "invalid_message")
    assert text.startswith(HEADER)


async def test_two_keys_are_422(served: Served) -> None:
    headers = [(HEADER, "a"), (HEADER, "b")]
    assert refusal(await served.service.post(SESSIONS, json={}, headers=headers))[0] == 422


@pytest.mark.parametrize(("path", "body"), [("tokens", {"service": "hooks"}), ("jwt", {"user_id": "alice"})])
async def test_no_secret_is_kept_for_a_repetition(served: Served, path: str, body: dict[str, str]) -> None:
    response = await served.operator.post(f"/api/admin/{path}", json=body, headers=KEY)
    assert refusal(response)[:2] == (422, "invalid_message")
    assert (await served.operator.post(f"/api/admin/{path}", json=body)).is_success


async def test_key_means_nothing_on_other_methods(served: Served) -> None:
    assert (await served.service.get(SESSIONS, headers=KEY)).status_code == 200
