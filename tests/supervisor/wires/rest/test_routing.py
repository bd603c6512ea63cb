"""Messages that other services hand over, over a real port."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.times import now_ms
from tests import fakes
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE
from tests.supervisor.helpers import result, text_message
from tests.supervisor.scripted import ScriptedConnector
from tests.supervisor.wires.http.serving import ROUTE, Served, refusal
from tests.waiting import until


@pytest.mark.parametrize("sender", [ALICE_PHONE, ALICE_MAIL, "Alice@Example.ORG", "alice"])
async def test_conversation_is_routed_by_phone_mail_address_or_user_id(served: Served, sender: str) -> None:
    body = {"from": sender, "message": "fix the tests", "channel": "sms"}
    response = await served.service.post(ROUTE, json=body)
    assert response.status_code == 200
    routed = response.json()
    assert routed == {
        "routed": True,
        "user_id": "alice",
        "message": "fix the tests",
        "channel": "sms",
        "action": "routed_to_claude_code",
        "session_id": routed["session_id"],
        "message_id": routed["message_id"],
    }

    async def state() -> str:
        return str((await served.service.get(f"/api/messages/{routed['message_id']}")).json()["state"])

    await until(lambda: _equal(state(), "completed"), "it was run")
    found = (await served.service.get(f"/api/messages/{routed['message_id']}")).json()
    assert (found["answer"], found["session_id"], found["channel"]) == ("fix the tests", routed["session_id"], "sms")


@pytest.mark.parametrize(
    ("sender", "channel", "kept"),
    [(ALICE_PHONE, "sms", "sms"), (ALICE_MAIL, "email", "mail"), ("alice", "api", "api")],
)
async def test_without_a_channel_it_is_that_of_the_sender(served: Served, sender: str, channel: str, kept: str) -> None:
    for more in ({}, {"channel": None}):
        routed = (await served.service.post(ROUTE, json={"from": sender, "message": "fix the tests", **more})).json()
        assert (routed["routed"], routed["channel"]) == (True, channel)
        message = (await served.service.get(f"/api/messages/{routed['message_id']}")).json()
        assert message["channel"] == kept
        await until(served.core.all_answered, "it was run")


async def test_answer_of_a_routed_conversation_is_sent_to_nobody(served: Served) -> None:
    await served.service.post(ROUTE, json={"from": ALICE_PHONE, "message": "fix the tests", "channel": "sms"})
    await until(served.core.all_answered, "it has ended")
    assert not sum((await served.core.store.outbox.counts()).values())


async def test_next_text_follows_the_conversation(served: Served) -> None:
    body = {"from": ALICE_PHONE, "message": "fix the tests", "channel": "sms"}
    first = (await served.service.post(ROUTE, json=body)).json()
    await until(served.core.all_answered, "it has ended")
    second = (await served.service.post(ROUTE, json=body | {"message": "and then?"})).json()
    assert second["session_id"] == first["session_id"]


async def test_conversation_for_the_assistant_is_not_routed_and_accepts_nothing(served: Served) -> None:
    response = await served.service.post(ROUTE, json={"from": "bob", "message": "how are you?", "channel": "sms"})
    assert (response.status_code, response.json()) == (200, {"routed": False, "reason": "no keyword"})
    costs = (await served.service.get("/api/costs", params={"user_id": "bob", "group_by": "user"})).json()
    assert costs["rows"] == []
    assert await served.core.store.turns.pending_count() == 0
    assistant = served.core.assistant_connector
    assert isinstance(assistant, ScriptedConnector)
    assert assistant.prompts == []


async def test_conversation_of_somebody_without_the_right_is_not_routed(served: Served) -> None:
    response = await served.service.post(ROUTE, json={"from": "olga", "message": "fix the tests", "channel": "sms"})
    assert response.json()["routed"] is False
    assert "OPERATOR" in response.json()["reason"]


@pytest.mark.parametrize("sender", ["+15559999", "nobody@example.org", "nobody", "@", "+", "a@b@c", "alice "])
async def test_conversation_of_an_unknown_sender_is_404(served: Served, sender: str) -> None:
    response = await served.service.post(ROUTE, json={"from": sender, "message": "fix the tests", "channel": "sms"})
    assert refusal(response) == (404, "user_not_found", "User not found")


async def test_mail_does_not_reach_a_project_with_full_permissions(served: Served) -> None:
    await served.operator.put("/api/admin/users/bob", json={"name": "Bob", "role": "ADMIN", "projects": ["open"]})
    body = {"from": "bob", "message": "@open fix the tests"}
    for channel in ("email", "E-Mail", "mail"):
        by_mail = (await served.service.post(ROUTE, json=body | {"channel": channel})).json()
        assert by_mail["routed"] is False


async def test_answer_to_a_question_is_taken_before_routing_and_read_by_no_model(tmp_path: Path) -> None:
    connector = fakes.ScriptedConnector()
    async with Served(tmp_path, connector=connector) as served:
        receipt = await served.core.intake.accept(text_message("claude: deny git push"))
        await until(lambda: served.core.store.approvals.open_now(now_ms=now_ms()), "it asks")
        (approval,) = await served.core.store.approvals.open_now(now_ms=now_ms())
        sent = {"from": ALICE_PHONE, "message": f"yes {approval.code} not my passphrase", "channel": "sms"}
        routed = (await served.service.post(ROUTE, json=sent)).json()
        assert (routed["routed"], routed["session_id"]) == (True, approval.session_id)
        told = (await served.service.get(f"/api/messages/{routed['message_id']}")).json()
        assert "Nothing was allowed" in told["answer"]
        again = (await served.service.post(ROUTE, json=sent | {"message": f"YES {approval.code}"})).json()
        found = (await served.service.get(f"/api/messages/{again['message_id']}")).json()
        assert found["answer"] == "Allowed once: Bash git push"
        await until(served.core.all_answered, "it has ended")
        assert (await result(served.core, receipt.message_id)).answer == "allowed: True"
        assert [text for _, text in connector.prompts] == ["deny git push"]


async def _equal(found: Any, wanted: object) -> bool:
    return bool(await found == wanted)
