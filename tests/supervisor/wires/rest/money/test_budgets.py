"""REST on limits: each sees their own, and what is used up of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import BudgetConfig
from supervisor.protocol.times import NANOS
from tests.fakes import ScriptedConnector
from tests.supervisor.wires.http.serving import Served, refusal

pytestmark = pytest.mark.usefixtures("one_utc_day")


async def test_the_limits_of_a_user_and_a_session_are_shown(tmp_path: Path) -> None:
    budgets = BudgetConfig(session_usd=2.0, user_daily_usd=10.0)
    async with Served(tmp_path, connector=ScriptedConnector(), budgets=budgets) as served:
        session_id = await served.session()
        await served.prompt(session_id, f"pay {NANOS // 2}")
        params = {"user_id": "alice", "session_id": session_id}
        shown = (await served.service.get("/api/budgets", params=params)).json()["budgets"]
        assert shown == [
            {"scope": "session", "id": session_id, "limit_usd": 2.0, "spent_usd": 0.5, "held_usd": 0.0},
            {"scope": "user", "id": "alice", "limit_usd": 10.0, "spent_usd": 0.5, "held_usd": 0.0},
        ]
        alice, bob = await served.client_of("alice"), await served.client_of("bob")
        assert [one["id"] for one in (await alice.get("/api/budgets")).json()["budgets"]] == ["alice"]
        assert [one["spent_usd"] for one in (await bob.get("/api/budgets")).json()["budgets"]] == [0.0]
        assert refusal(await bob.get("/api/budgets", params=params))[:2] == (404, "session_not_found")
        assert refusal(await bob.get("/api/budgets", params={"user_id": "alice"}))[:2] == (404, "user_not_found")
        assert refusal(await served.service.get("/api/budgets"))[:2] == (422, "invalid_message")


async def test_what_everybody_spends_is_shown_to_overseers_alone(tmp_path: Path) -> None:
    budgets = BudgetConfig(user_daily_usd=10.0, system_daily_usd=50.0)
    async with Served(tmp_path, connector=ScriptedConnector(), budgets=budgets) as served:
        session_id = await served.session()
        await served.prompt(session_id, f"pay {NANOS // 2}")
        everybody = {"scope": "system", "id": "", "limit_usd": 50.0, "spent_usd": 0.5, "held_usd": 0.0}
        for overseer in ("alice", "olga"):
            shown = (await (await served.client_of(overseer)).get("/api/budgets")).json()["budgets"]
            assert [one["scope"] for one in shown] == ["user", "system"]
            assert everybody in shown
        for_bob = (await served.service.get("/api/budgets", params={"user_id": "bob"})).json()["budgets"]
        assert everybody in for_bob
        bob = await served.client_of("bob")
        assert (await bob.get("/api/budgets")).json()["budgets"] == [
            {"scope": "user", "id": "bob", "limit_usd": 10.0, "spent_usd": 0.0, "held_usd": 0.0}
        ]


async def test_without_limits_there_is_nothing_to_show(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        assert (await served.service.get("/api/budgets", params={"user_id": "alice"})).json() == {"budgets": []}
