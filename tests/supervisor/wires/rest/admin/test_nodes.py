"""/api/admin/nodes on SQLite: there is one node, and no other that could go on for it."""

from __future__ import annotations

from tests.supervisor.wires.http.serving import Served, refusal


async def test_the_one_node_of_sqlite_can_be_neither_drained_nor_fenced(served: Served) -> None:
    found = (await served.operator.get("/api/admin/nodes")).json()
    assert [node["link"] for node in found["nodes"]] == ["this node"]
    assert found["server"] is None
    for action in ("drain", "fence"):
        response = await served.operator.post(f"/api/admin/nodes/this/{action}", json={})
        assert refusal(response)[:2] == (501, "unsupported")
        assert "PostgreSQL" in response.json()["remedy"]
