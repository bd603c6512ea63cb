"""Tokens and JWTs over a real port."""

from __future__ import annotations

from tests.supervisor.wires.http.serving import Served, refusal


async def test_token_is_made_listed_and_revoked(served: Served) -> None:
    made = await served.operator.post("/api/admin/tokens", json={"service": "hooks", "expires_days": 3})
    assert made.status_code == 201
    assert set(made.json()) == {"id", "token", "name", "user_id", "expires_at"}
    (listed,) = (await served.operator.get("/api/admin/tokens")).json()["tokens"]
    assert set(listed) == {"id", "name", "user_id", "created_at", "expires_at", "revoked_at"}
    assert (listed["id"], listed["name"], listed["user_id"]) == (made.json()["id"], "hooks", None)
    revoked = await served.operator.delete(f"/api/admin/tokens/{listed['id']}")
    assert (revoked.status_code, revoked.content) == (204, b"")
    missing = await served.operator.delete("/api/admin/tokens/99")
    assert refusal(missing) == (404, "token_not_found", "Token not found: 99")


async def test_jwt_is_made(served: Served) -> None:
    made = await served.operator.post("/api/admin/jwt", json={"user_id": "alice", "minutes": 5})
    assert made.status_code == 200
    assert set(made.json()) == {"token", "expires_at"}
    nobody = await served.operator.post("/api/admin/jwt", json={"user_id": "nobody"})
    assert refusal(nobody)[:2] == (404, "user_not_found")
