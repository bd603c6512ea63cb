"""Costs over a real port."""

from __future__ import annotations

import pytest

from supervisor.protocol.times import day_of, day_text, now_ms
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


@pytest.mark.usefixtures("one_utc_day")
async def test_costs_of_days_are_split_and_add_up_to_those_of_the_range(served: Served) -> None:
    await served.prompt(await served.session(), "one")
    await served.prompt(await served.session("bob"), "two")
    today = day_of(now_ms())
    params = {"since": day_text(today - 2), "until": day_text(today + 2), "split_by": "user"}
    answer = (await served.service.get("/api/costs/days", params=params)).json()
    assert [day["day"] for day in answer["days"]] == [day_text(today + offset) for offset in (-2, -1, 0, 1)]
    rows = [(row["key"], row["message_count"]) for day in answer["days"] for row in day["rows"]]
    assert sorted(rows) == [("alice", 1), ("bob", 1)]
    whole = (await served.service.get("/api/costs", params=params)).json()
    assert answer["total_usd"] == whole["total_usd"] == sum(day["cost_usd"] for day in answer["days"])
    bob = await served.client_of("bob")
    own = (await bob.get("/api/costs/days", params=params)).json()
    assert [row["key"] for day in own["days"] for row in day["rows"]] == ["bob"]


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        ("2026-01-02", "2026-01-02", "until"),
        ("2026-01-01", "2026-04-04", "until"),
        ("2026-02-30", "2026-03-02", "since"),
    ],
)
async def test_a_range_of_no_or_too_many_days_is_refused(served: Served, since: str, until: str, field: str) -> None:
    answer = await served.service.get("/api/costs/days", params={"since": since, "until": until})
    status, code, text = refusal(answer)
    assert (status, code) == (422, "invalid_message")
    assert field in text
