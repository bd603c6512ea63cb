"""A link over a real port, for a known user."""

from __future__ import annotations

from tests.supervisor.wires.http.serving import Served, refusal


async def test_a_link_is_made_for_a_user(served: Served) -> None:
    made = await served.operator.post("/api/admin/users/alice/link")
    assert made.status_code == 201
    assert made.json()["link"].startswith("http://localhost:")
    assert set(made.json()) == {"link", "expires_at"}
    nobody = await served.operator.post("/api/admin/users/nobody/link")
    assert refusal(nobody)[:2] == (404, "user_not_found")


async def test_a_link_is_not_kept_under_a_key(served: Served) -> None:
    kept = await served.operator.post("/api/admin/users/alice/link", headers={"Idempotency-Key": "k"})
    assert refusal(kept)[:2] == (422, "invalid_message")
