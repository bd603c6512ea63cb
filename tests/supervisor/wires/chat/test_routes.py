"""REST beside the chat."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from supervisor.protocol.ids import uuid7
from tests.e2e.chatting import chatting, jwt_of
from tests.e2e.world import World, script

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PREFIXES = ["/api/claude-chat", "/api/v1/claude-chat"]


async def ask(world: World, method: str, path: str, user_id: str = "alice", body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {await jwt_of(world, user_id)}"}
    return await world.client.request(method, world.http + path, headers=headers, json=body)


async def chat(world: World, text: str = "hello") -> str:
    """Return the id of a chat in which one message was answered."""
    async with chatting(world) as client:
        await client.ask(script({"text": text}))
        return client.session_id


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_chats_are_listed_newest_first(world: World, prefix: str) -> None:
    older, newer = await chat(world), await chat(world)
    response = await ask(world, "GET", f"{prefix}/sessions")
    assert response.status_code == 200
    listed = response.json()["sessions"]
    assert [one["session_id"] for one in listed[:2]] == [newer, older]
    assert set(listed[0]) == {"session_id", "title", "message_count", "created_at", "last_activity", "cost_usd"}
    assert listed[0]["title"]
    assert listed[0]["message_count"] == 1
    assert listed[0]["cost_usd"] > 0
    assert listed[0]["last_activity"].endswith("Z")
    theirs = (await ask(world, "GET", f"{prefix}/sessions", "bob")).json()["sessions"]
    assert newer not in {one["session_id"] for one in theirs}
    first = (await ask(world, "GET", f"{prefix}/sessions?limit=1")).json()
    second = (await ask(world, "GET", f"{prefix}/sessions?limit=1&cursor={first['next_cursor']}")).json()
    assert [one["session_id"] for one in first["sessions"] + second["sessions"]] == [newer, older]
    assert (await ask(world, "GET", f"{prefix}/sessions?cursor=x")).status_code == 422


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("end", ["", "/history"])
async def test_a_chat_is_read(world: World, prefix: str, end: str) -> None:
    session = await chat(world, "read me")
    body = (await ask(world, "GET", f"{prefix}/sessions/{session}{end}")).json()
    assert body["session_id"] == session
    assert [(one["role"], one["interrupted"]) for one in body["messages"]] == [("user", False), ("assistant", False)]
    assert body["messages"][1]["content"] == "read me"
    assert body["messages"][1]["cost_usd"] > 0


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_chat_is_renamed_and_deleted(world: World, prefix: str) -> None:
    session = await chat(world)
    path = f"{prefix}/sessions/{session}"
    renamed = await ask(world, "PATCH", path, body={"title": "  Rounds  on Monday "})
    assert (renamed.status_code, renamed.json()["title"]) == (200, "Rounds on Monday")
    for body in ({}, {"title": ""}, {"title": " "}, {"title": "x" * 201}, {"title": 5}):
        assert (await ask(world, "PATCH", path, body=body)).status_code == 422
    deleted = await ask(world, "DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert (await ask(world, method, path)).status_code == 404
    listed = (await ask(world, "GET", f"{prefix}/sessions")).json()["sessions"]
    assert session not in {one["session_id"] for one in listed}


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_what_is_unknown_or_anothers_is_404(world: World, prefix: str) -> None:
    session = await chat(world)
    for path in (f"{prefix}/sessions/{session}", f"{prefix}/sessions/{uuid7()}"):
        user = "bob"
        for method, end, body in (
            ("GET", "", None),
            ("GET", "/history", None),
            ("PATCH", "", {"title": "mine"}),
            ("DELETE", "", None),
        ):
            response = await ask(world, method, path + end, user, body)
            assert (response.status_code, response.json()["code"]) == (404, "session_not_found")
    assert (await ask(world, "GET", f"{prefix}/sessions/{session}")).status_code == 200


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_only_people_who_may_chat_are_served(world: World, prefix: str) -> None:
    path = f"{prefix}/sessions"
    assert (await world.client.get(world.http + path)).status_code == 401
    assert (await world.operator("GET", path)).status_code == 403
    refused = await ask(world, "GET", path, "olga")
    assert (refused.status_code, refused.json()["error"]) == (403, "Not allowed: Admin access required")


async def test_a_deleted_chat_goes_on_as_a_new_one(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(script({"text": "one"}))
        gone = client.session_id
        await ask(world, "DELETE", f"/api/claude-chat/sessions/{gone}")
        answer = await client.ask(script({"text": "two"}))
        assert answer[-1]["type"] == "complete"
        assert client.session_id != gone
        await client.send("get_history")
        assert len((await client.next("history"))["messages"]) == 2
    async with chatting(world, session_id=gone) as client:
        assert client.session_id != gone


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_what_was_said_is_found_by_its_person_alone(world: World, prefix: str) -> None:
    session = await chat(world, f"the zebra of {prefix[-12:]} sleeps")
    path = f"{prefix}/search?q=zebra+sleep&limit=1"
    (hit,) = (await ask(world, "GET", path)).json()["messages"]
    assert (hit["session_id"], hit["kind"], hit["role"]) == (session, "chat", "user")
    assert [part["text"] for part in hit["excerpt"] if part["found"]] == ["zebra", "sleeps"]
    assert (await ask(world, "GET", path, "bob")).json() == {"sessions": [], "messages": []}
    assert (await ask(world, "GET", path, "olga")).status_code == 403
    assert (await ask(world, "GET", f"{prefix}/search?q=")).status_code == 422
    await ask(world, "PATCH", f"{prefix}/sessions/{session}", body={"title": "Animals"})
    (named,) = (await ask(world, "GET", f"{prefix}/search?q=animals&limit=1")).json()["sessions"]
    assert named["session_id"] == session


async def test_earlier_messages_come_in_pages(world: World) -> None:
    async with chatting(world) as client:
        for text in ("one", "two", "three"):
            await client.ask(f"{text} {script({'text': text})}")
        path = f"/api/claude-chat/sessions/{client.session_id}/history?limit=2"
        newest = (await ask(world, "GET", path)).json()
        assert ([one["content"] for one in newest["messages"][1::2]], newest["earlier"]) == (["two", "three"], True)
        first = newest["messages"][0]["id"]
        before = (await ask(world, "GET", f"{path}&before={first}")).json()
        assert ([one["content"] for one in before["messages"][1:]], before["earlier"]) == (["one"], False)
        await client.send("get_history", before=first, limit=5)
        page = await client.next("history")
        assert [one["id"] for one in page["messages"]] == [one["id"] for one in before["messages"]]
        assert (page["earlier"], page["before"]) == (False, first)
        await client.send("get_history")
        whole = await client.next("history")
        assert (len(whole["messages"]), whole["earlier"], "before" in whole) == (6, False, False)
    assert (await ask(world, "GET", f"{path}&before=nobodys")).json()["messages"] == []
    assert (await ask(world, "GET", path.replace("=2", "=201"))).status_code == 422
