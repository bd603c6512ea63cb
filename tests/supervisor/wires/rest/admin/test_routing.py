"""Where a message would be routed, over a real port."""

from __future__ import annotations

from typing import Any

from tests.supervisor.wires.http.serving import Served, refusal


async def test_route_says_where_and_why_and_sends_nothing(served: Served) -> None:
    async def route(**body: str) -> dict[str, Any]:
        response = await served.operator.post("/api/admin/route", json=body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    assert await route(text="fix the tests", user_id="alice", channel="sms") == {
        "target": "claude_code",
        "reason": "keyword fix",
        "project": "site",
    }
    assert await route(text="good morning", user_id="alice") == {
        "target": "assistant",
        "reason": "no keyword",
        "project": None,
    }
    assert (await route(text="fix the tests", user_id="olga"))["target"] == "refused"
    assert served.core.scripted.prompts == []
    assert await served.core.store.turns.pending_count() == 0


async def test_route_of_nobody_needs_exactly_one_user(served: Served) -> None:
    asked = {"text": "fix the tests"}
    response = await served.operator.post("/api/admin/route", json=asked)
    assert refusal(response) == (422, "invalid_message", "user_id: must be given: there are 3 users")
    for user_id in ("bob", "olga"):
        await served.operator.delete(f"/api/admin/users/{user_id}")
    assert (await served.operator.post("/api/admin/route", json=asked)).json()["target"] == "claude_code"
