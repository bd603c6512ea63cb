"""The audit trail over a real port."""

from __future__ import annotations

from tests.supervisor.wires.http.serving import Served


async def test_the_audit_trail_is_verified_and_read(served: Served) -> None:
    verified = (await served.operator.get("/api/admin/audit/verify")).json()
    assert verified["problem"] is None
    entries = (await served.operator.get("/api/admin/audit/entries/0")).json()["entries"]
    assert [entry["seq"] for entry in entries] == list(range(1, verified["entries"] + 1))
    assert set(entries[0]) == {"seq", "at", "epoch", "actor", "event", "detail", "mac"}
    last = f"/api/admin/audit/entries/{verified['entries']}"
    assert (await served.operator.get(last)).json() == {"entries": []}
    for wrong in ("-1", "x", str(2**63)):
        assert (await served.operator.get(f"/api/admin/audit/entries/{wrong}")).status_code in (400, 422)
    filtered = "/api/admin/audit/entries/0?event=user&actor=operator&limit=1&since=1970-01-01"
    assert [entry["event"] for entry in (await served.operator.get(filtered)).json()["entries"]] == ["user.put"]
    for wrong in ("since=x", "limit=0", f"event={'x' * 65}"):
        assert (await served.operator.get(f"/api/admin/audit/entries/0?{wrong}")).status_code == 422
