"""Messages over a real port: prompt, answer, history, the state of one message; and records as their bodies."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import Limits
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import TurnState
from supervisor.store.records.result import Result
from supervisor.wires.rest.messages import CHANNEL, answer_body, message_body, responds_async
from tests.fakes import ScriptedConnector
from tests.supervisor.turn_records import turn
from tests.supervisor.wires.http.serving import SESSIONS, Served, refusal
from tests.waiting import until


async def test_prompt_is_answered(served: Served) -> None:
    session_id = await served.session()
    response = await served.service.post(
        f"{SESSIONS}/{session_id}/messages", json={"message": "hello", "context": {"file": "a.py"}}
    )
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"message_id", "content", "cost_usd", "timestamp"}
    assert answer["content"] == "hello"
    history = (await served.service.get(f"{SESSIONS}/{session_id}/messages")).json()
    assert history["session_id"] == session_id
    asked, answered = history["messages"]
    names = {"id", "direction", "message", "timestamp", "cost_usd", "status", "context", "user_id"}
    assert set(asked) == names | {"characters", "truncated"}
    assert asked["user_id"] == "alice"
    assert (asked["id"], asked["direction"], asked["context"]) == (
        answer["message_id"],
        "to_claude",
        {"file": "a.py"},
    )
    assert (answered["direction"], answered["message"]) == ("from_claude", "hello")


async def test_blank_prompt_is_refused_and_starts_no_turn(served: Served) -> None:
    url = f"{SESSIONS}/{await served.session()}/messages"
    response = await served.service.post(url, json={"message": " \n\t"})
    assert response.json() == {"error": "message: must not be blank", "code": "invalid_message"}
    assert (await served.service.get(url)).json()["messages"] == []


async def test_history_is_read_backwards(served: Served) -> None:
    session_id = await served.session()
    for text in ("one", "two", "three"):
        await served.prompt(session_id, text)
    path = f"{SESSIONS}/{session_id}/messages"
    newest = (await served.service.get(path, params={"limit": 2})).json()["messages"]
    assert [one["message"] for one in newest] == ["three", "three"]
    older = (await served.service.get(path, params={"limit": 3, "before": newest[0]["id"]})).json()["messages"]
    assert [one["message"] for one in older] == ["one", "two", "two"]


async def test_a_page_of_the_history_is_cut_by_size_and_goes_on_before_its_first_message(served: Served) -> None:
    session_id = await served.session()
    for number in range(3):
        await served.prompt(session_id, f"{number}" * 250_000)
    path = f"{SESSIONS}/{session_id}/messages"
    found: list[str] = []
    query: dict[str, str] = {}
    for expected in (True, False):
        response = await served.service.get(path, params=query)
        assert len(response.content) <= 2**20
        page = response.json()
        assert page["truncated"] is expected
        found = [one["message"][0] for one in page["messages"]] + found
        query = {"before": page["messages"][0]["id"]}
    assert found == ["0", "0", "1", "1", "2", "2"]


async def test_message_is_followed_by_its_id(served: Served) -> None:
    session_id = await served.session()
    message_id = (await served.prompt(session_id, "hello")).json()["message_id"]
    found = (await served.service.get(f"/api/messages/{message_id}")).json()
    assert found | {"duration_ms": 0, "accepted_at": "", "ended_at": "", "usage": {}} == {
        "message_id": message_id,
        "state": "completed",
        "target": "claude_code",
        "reason": "sent to the session",
        "user_id": "alice",
        "session_id": session_id,
        "channel": CHANNEL,
        "message": "hello",
        "answer": "hello",
        "error": "",
        "stop_reason": "end_turn",
        "cost_usd": 0.0,
        "usage": {},
        "duration_ms": 0,
        "accepted_at": "",
        "ended_at": "",
    }
    assert set(found["usage"]) >= {"input_tokens", "output_tokens"}


async def test_message_that_failed_says_why(served: Served) -> None:
    session_id = await served.session()
    failed = await served.prompt(session_id, "fail the disk is gone")
    assert refusal(failed) == (502, "turn_failed", "Claude Code failed: the disk is gone")
    last = (await served.service.get(f"{SESSIONS}/{session_id}/messages")).json()["messages"][0]
    found = (await served.service.get(f"/api/messages/{last['id']}")).json()
    assert (found["state"], found["error"]) == ("failed", "the disk is gone")


async def test_turn_that_timed_out_is_504(served: Served) -> None:
    late = await served.prompt(await served.session(), "time out")
    assert (late.status_code, late.json()["code"]) == (504, "turn_failed")


async def test_client_that_leaves_does_not_stop_its_turn(served: Served) -> None:
    session_id = await served.session()
    waiting = asyncio.create_task(served.prompt(session_id, "hold"), name="the client")
    await until(lambda: served.core.scripted.prompts == ["hold"], "the prompt is written")
    waiting.cancel()
    await asyncio.wait([waiting])
    served.core.scripted.release()

    async def answers() -> list[str]:
        history = (await served.service.get(f"{SESSIONS}/{session_id}/messages")).json()["messages"]
        return [one["message"] for one in history if one["direction"] == "from_claude"]

    await until(lambda: _equal(answers(), ["released"]), "the answer is in the history")


async def test_client_that_prefers_not_to_wait_gets_the_id_as_soon_as_the_message_is_stored(served: Served) -> None:
    session_id = await served.session()
    headers = {"Prefer": "respond-async", "Idempotency-Key": "one"}
    taken = await served.prompt(session_id, "hold", headers=headers)
    assert taken.status_code == 202
    message_id = taken.json()["message_id"]
    assert taken.json() == {"message_id": message_id}
    await until(lambda: served.core.scripted.prompts == ["hold"], "the turn runs, though nobody waits for it")
    again = await served.prompt(session_id, "hold", headers=headers)
    assert (again.status_code, again.json()) == (202, taken.json())
    served.core.scripted.release()

    async def state() -> str:
        return str((await served.service.get(f"/api/messages/{message_id}")).json()["state"])

    await until(lambda: _equal(state(), "completed"), "the turn has ended")
    assert served.core.scripted.prompts == ["hold"]


async def test_what_was_accepted_is_acknowledged_again_though_its_first_answer_was_never_kept(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{SESSIONS}/{await served.session()}/messages"
    headers = {"Prefer": "respond-async", "Idempotency-Key": "one"}

    async def broken(*args: Any, **kwargs: Any) -> None:
        raise StorageError("the disk is full", "free some")

    with monkeypatch.context() as patch:
        patch.setattr(type(served.core.store.keys), "keep_answer", broken)
        first = await served.service.post(url, json={"message": "hello"}, headers=headers)
    again = await served.service.post(url, json={"message": "hello"}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    await until(lambda: served.core.scripted.prompts == ["hello"], "it runs once")


async def test_refusal_is_the_same_for_a_client_that_does_not_wait(served: Served) -> None:
    prefer = {"Prefer": "respond-async"}
    unknown = await served.prompt("nothing", "hello", headers=prefer)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "session_not_found")


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        (["respond-async"], True),
        (["Respond-Async, wait=10"], True),
        (["return=minimal", "respond-async;x=y"], True),
        (['respond-async=""'], True),
        ([], False),
        (["wait=10"], False),
        (["respond-asynchronously"], False),
        (['note="a, respond-async, b"'], False),
    ],
)
def test_preferences_are_read_as_the_standard_says(headers: list[str], wanted: bool) -> None:
    assert responds_async(headers) is wanted


async def test_the_description_names_both_answers_and_the_header(served: Served) -> None:
    described = (await served.service.get("/openapi.json")).json()["paths"][f"{SESSIONS}/{{session_id}}/messages"][
        "post"
    ]
    bodies = {
        status: described["responses"][status]["content"]["application/json"]["schema"] for status in ("200", "202")
    }
    assert bodies == {
        "200": {"$ref": "#/components/schemas/Answer"},
        "202": {"$ref": "#/components/schemas/Acknowledged"},
    }
    assert "prefer" in [one["name"].lower() for one in described["parameters"]]


async def _equal(found: Any, wanted: object) -> bool:
    return bool(await found == wanted)


def result_of(state: TurnState, ended_ms: int | None) -> Result:
    return Result(
        turn=turn(state=state, user_id=UserId("alice"), reply=None, accepted_ms=1_700_000_000_000),
        state=state,
        answer="fixed",
        answer_id=MessageId("a"),
        why="",
        stop_reason="end_turn",
        duration_ms=1500,
        cost_nanos=1_500_000,
        tokens=Tokens(input=1, output=2, cache_read=3, cache_write_5m=4, cache_write_1h=5),
        ended_ms=ended_ms,
    )


def test_money_leaves_as_dollars_and_time_as_rfc_3339() -> None:
    assert asdict(answer_body(result_of(TurnState.COMPLETED, 1_700_000_001_500))) == {
        "message_id": "m1",
        "content": "fixed",
        "cost_usd": 0.0015,
        "timestamp": "2023-11-14T22:13:21.500Z",
    }


def test_message_that_runs_has_no_end() -> None:
    shown = asdict(message_body(result_of(TurnState.RUNNING, None)))
    assert (shown["state"], shown["ended_at"], shown["accepted_at"]) == ("running", None, "2023-11-14T22:13:20.000Z")
    assert shown["usage"] == {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 9,
    }


async def test_a_user_who_sends_too_much_is_told_when_to_send_again(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector(), limits=Limits(messages_per_minute=1)) as served:
        url = f"{SESSIONS}/{await served.session()}/messages"
        own = await served.client(await served.core.token("alice"))
        assert (await own.post(url, json={"message": "one"})).status_code == 200
        refused = await own.post(url, json={"message": "two"})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert (await served.service.post(url, json={"message": "three"})).status_code == 200
