"""REST for administrators and operators: records and costs of all sessions, no messages of others, no acts in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import BudgetConfig
from tests.fakes import ScriptedConnector
from tests.supervisor.helpers import scripted, send
from tests.supervisor.wires.http.serving import ROUTE, SESSIONS, Served, refusal
from tests.waiting import until

SECRET = "remember the word marzipan"


@pytest.mark.usefixtures("one_utc_day")
@pytest.mark.parametrize("overseer", ["olga", "alice"])
async def test_an_overseer_reads_records_and_costs_of_all_sessions(tmp_path: Path, overseer: str) -> None:
    budgets = BudgetConfig(session_usd=2.0, user_daily_usd=10.0)
    async with Served(tmp_path, connector=ScriptedConnector(), budgets=budgets) as served:
        session_id = await served.session("bob")
        await served.prompt(session_id, "pay 500000000")
        reader = await served.client_of(overseer)
        for params in ({}, {"user_id": "bob"}):
            listed = (await reader.get(SESSIONS, params=params)).json()["sessions"]
            assert [(one["session_id"], one["user_id"], one["cost_usd"]) for one in listed] == [
                (session_id, "bob", 0.5)
            ]
            by_session = {**params, "group_by": "session"}
            costs = (await reader.get("/api/costs", params=by_session)).json()
            assert (costs["total_usd"], [row["key"] for row in costs["rows"]]) == (0.5, [session_id])
        assert (await reader.get(f"{SESSIONS}/{session_id}")).json()["message_count"] == 1
        assert (await reader.get(f"{SESSIONS}/{session_id}/cost")).json()["cost_usd"] == 0.5
        assert (await reader.get("/api/costs", params={"session_id": session_id})).json()["total_usd"] == 0.5
        limits = await reader.get("/api/budgets", params={"session_id": session_id, "user_id": "bob"})
        assert [(one["scope"], one["spent_usd"]) for one in limits.json()["budgets"]] == [
            ("session", 0.5),
            ("user", 0.5),
        ]
        nobody = await reader.get(SESSIONS, params={"user_id": "nobody"})
        assert refusal(nobody)[:2] == (404, "user_not_found")


@pytest.mark.parametrize("overseer", ["olga", "alice"])
async def test_an_overseer_reads_no_message_of_others_and_acts_in_no_session_of_theirs(
    tmp_path: Path, overseer: str
) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        session_id = await served.session("bob")
        answered = (await served.prompt(session_id, SECRET)).json()
        reader = await served.client_of(overseer)
        url = f"{SESSIONS}/{session_id}"
        missing = (404, "session_not_found", f"Session not found: {session_id}")
        for refused in (
            await reader.get(f"{url}/messages"),
            await reader.post(f"{url}/messages", json={"message": "hello"}),
            await reader.post(f"{url}/interrupt"),
            await reader.get(f"{url}/changes"),
            await reader.post(f"{url}/undo", json={}),
            await reader.delete(url),
            await reader.get("/api/file-operations", params={"session_id": session_id}),
        ):
            assert refusal(refused) == missing, refused.request.url
        message = f"/api/messages/{answered['message_id']}"
        assert refusal(await reader.get(message))[:2] == (404, "message_not_found")
        for_bob = {"from": "bob", "message": "claude: hello", "channel": "sms"}
        assert refusal(await reader.post(ROUTE, json=for_bob))[:2] == (404, "user_not_found")
        started = await reader.post(SESSIONS, json={"user_id": "bob", "project_path": str(served.core.site)})
        assert refusal(started)[:2] == (404, "user_not_found")
        assert (await reader.get(url)).json()["status"] == "active"


async def test_an_overseer_sees_that_a_message_waits_but_not_its_text(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        session_id = await served.session("bob")
        bob, olga = await served.client_of("bob"), await served.client_of("olga")
        await send(served.core, "hold on", session_id)
        await until(scripted(served.core).held, "it runs")
        second = await send(served.core, SECRET, session_id)
        for params in ({}, {"session_id": session_id}):
            (waiting,) = (await olga.get("/api/queue", params=params)).json()["queue"]
            assert (waiting["user_id"], waiting["place"], waiting["message"]) == ("bob", 1, "")
            (own,) = (await bob.get("/api/queue", params=params)).json()["queue"]
            assert own["message"] == SECRET
        cancelled = await olga.delete(f"/api/messages/{second.accepted.message_id}")
        assert refusal(cancelled)[:2] == (404, "message_not_found")
        scripted(served.core).release()


async def test_an_operator_sends_no_prompts(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        olga = await served.client_of("olga")
        body = {"user_id": "olga", "project_path": str(served.core.site)}
        assert refusal(await olga.post(SESSIONS, json=body))[:2] == (403, "not_allowed")
        for text in ("claude: hello", "hello", "@site hello", "assistant: hello"):
            routed = await olga.post(ROUTE, json={"from": "olga", "message": text, "channel": "sms"})
            assert routed.json()["routed"] is False, text
        assert scripted(served.core).prompts == []
