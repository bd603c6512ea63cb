"""Costs over a real port."""

from __future__ import annotations

import pytest

from supervisor.wires.rest.messages import CHANNEL
from tests.supervisor.wires.http.serving import Served, refusal


async def test_costs_are_grouped(served: Served) -> None:
    session_id = await served.session()
    await served.prompt(session_id, "one")
    await served.prompt(await served.session("bob"), "two")
    total = (await served.service.get("/api/costs")).json()
    assert total == {"total_usd": 0.0, "rows": []}
    by_user = (await served.service.get("/api/costs", params={"group_by": "user"})).json()["rows"]
    assert {row["key"]: row["message_count"] for row in by_user} == {"alice": 1, "bob": 1}
    assert set(by_user[0]) == {"key", "cost_usd", "message_count", "input_tokens", "output_tokens"}
    params = {"session_id": session_id, "group_by": "channel", "since": "2020-01-01"}
    by_channel = (await served.service.get("/api/costs", params=params)).json()["rows"]
    assert [(row["key"], row["message_count"]) for row in by_channel] == [(CHANNEL, 1)]


@pytest.mark.parametrize("since", ["yesterday or so", "0001-01-01T00:00:00+14:00", "2024-13-01"])
async def test_cost_of_no_date_is_refused(served: Served, since: str) -> None:
    status, code, text = refusal(await served.service.get("/api/costs", params={"since": since}))
    assert (status, code) == (422, "invalid_message")
    assert "since" in text
