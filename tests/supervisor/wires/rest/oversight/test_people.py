"""REST: people, tokens and dropped messages, for administrators to read."""

from __future__ import annotations

import pytest

from tests.supervisor.wires.http.serving import Served, refusal


async def test_an_administrator_reads_people_and_projects(served: Served) -> None:
    team = (await (await served.client_of("alice")).get("/api/people")).json()
    assert [(one["id"], one["role"]) for one in team["people"]] == [
        ("alice", "ADMIN"),
        ("bob", "COORDINATOR"),
        ("olga", "OPERATOR"),
    ]
    site = next(one for one in team["projects"] if one["name"] == "site")
    assert (site["permissions"], site["approvers"], site["shared"]) == ("edit", [], False)
    assert sorted({*site["users"], *site["given"]}) == ["alice", "bob", "olga"]
    assert [one["name"] for one in team["projects"]] == sorted(one["name"] for one in team["projects"])


async def test_an_administrator_reads_tokens_but_not_their_secrets(served: Served) -> None:
    secret = await served.core.token("bob")
    answer = await (await served.client(await served.core.token("alice"))).get("/api/tokens")
    assert secret not in answer.text
    assert {one["user_id"] for one in answer.json()["tokens"]} >= {"alice", "bob"}


async def test_an_administrator_reads_what_was_dropped_page_by_page(served: Served) -> None:
    for channel in ("mail", "sms", "mail"):
        await served.core.intake.dropped(channel, "eve@example.net", "a stranger")
    alice = await served.client_of("alice")
    page = (await alice.get("/api/dropped", params={"limit": 2})).json()
    assert [one["channel"] for one in page["dropped"]] == ["mail", "sms"]
    rest = (await alice.get("/api/dropped", params={"from": page["next"], "channel": "mail"})).json()
    assert ([one["sender"] for one in rest["dropped"]], rest["next"]) == (["eve@example.net"], None)


@pytest.mark.parametrize("path", ["/api/people", "/api/tokens", "/api/dropped"])
async def test_nobody_else_reads_them(served: Served, path: str) -> None:
    for client in (await served.client_of("olga"), await served.client_of("bob"), served.service):
        assert refusal(await client.get(path))[:2] == (403, "not_allowed")
    assert (await served.operator.get(path)).status_code == 200
