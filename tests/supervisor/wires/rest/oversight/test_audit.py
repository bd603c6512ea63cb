"""REST: the audit trail for administrators."""

from __future__ import annotations

import csv
import io
import json

import pytest

from supervisor.protocol.times import now_ms
from supervisor.wires.rest.oversight import audit
from tests.supervisor.wires.http.serving import Served, refusal

LINE = {"text": '=HYPERLINK("x"), half a line\r\nand "more"'}


async def test_an_administrator_reads_pages_in_both_orders(served: Served) -> None:
    alice = await served.client_of("alice")
    for number in range(5):
        await served.core.store.audit.record("ann", "try.page", {"n": number}, now_ms=now_ms())
    first = (await alice.get("/api/audit", params={"event": "try", "limit": 3})).json()
    assert [one["detail"]["n"] for one in first["entries"]] == [4, 3, 2]
    rest = (await alice.get("/api/audit", params={"event": "try", "limit": 3, "from": first["next"]})).json()
    assert ([one["detail"]["n"] for one in rest["entries"]], rest["next"]) == ([1, 0], None)
    oldest: dict[str, str | int] = {"actor": "ann", "order": "oldest", "limit": 4}
    found = (await alice.get("/api/audit", params=oldest)).json()
    assert [one["detail"]["n"] for one in found["entries"]] == [0, 1, 2, 3]
    found = (await alice.get("/api/audit", params={**oldest, "from": found["next"]})).json()
    assert ([one["detail"]["n"] for one in found["entries"]], found["next"]) == ([4], None)
    for wrong in ("limit=0", "from=-1", "order=up", "since=x", f"actor={'x' * 257}"):
        assert (await alice.get(f"/api/audit?{wrong}")).status_code == 422, wrong


async def test_an_administrator_verifies_the_trail(served: Served) -> None:
    verdict = (await (await served.client_of("alice")).get("/api/audit/verify")).json()
    assert (verdict["problem"], verdict["first"]) == ("", 1)
    assert verdict["last"] == await served.core.store.audit.last()


@pytest.mark.parametrize("page", [1, 1_000])
async def test_the_file_holds_all_that_the_filter_names_and_no_formula(
    served: Served, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(audit, "PAGE", page)
    alice = await served.client_of("alice")
    for number in range(3):
        await served.core.store.audit.record(f"=1+{number}", "try.file", LINE, now_ms=now_ms())
    answer = await alice.get("/api/audit/export", params={"event": "try"})
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit.csv"')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["actor"] for row in rows] == ["'=1+0", "'=1+1", "'=1+2"]
    assert json.loads(rows[0]["detail"])["text"] == LINE["text"]
    answer = await alice.get("/api/audit/export", params={"event": "try", "format": "jsonl"})
    assert answer.headers["content-type"] == "application/jsonl; charset=utf-8"
    assert [json.loads(line)["actor"] for line in answer.text.splitlines()] == ["=1+0", "=1+1", "=1+2"]
    exported = (await alice.get("/api/audit", params={"event": "audit.exported"})).json()["entries"]
    assert [(one["actor"], one["detail"]["format"]) for one in exported] == [("alice", "jsonl"), ("alice", "csv")]


@pytest.mark.parametrize("path", ["/api/audit", "/api/audit/verify", "/api/audit/export"])
async def test_nobody_else_reads_the_trail(served: Served, path: str) -> None:
    for client in (await served.client_of("olga"), await served.client_of("bob"), served.service):
        assert refusal(await client.get(path)) == (403, "not_allowed", "Not allowed: the audit trail")
    assert (await served.operator.get(path)).status_code == 200
