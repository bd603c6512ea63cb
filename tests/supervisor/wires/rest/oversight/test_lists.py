"""REST: lists of messages and replies."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.messages import Address, OutboxId, Reply, UserId
from supervisor.protocol.times import now_ms
from supervisor.store.records.outbox import OutboxDraft
from tests.fakes import ScriptedConnector
from tests.supervisor.helpers import scripted, send
from tests.supervisor.wires.http.serving import Served, refusal
from tests.waiting import until

SECRET = "remember the word marzipan"


async def test_messages_are_listed_to_their_writer_and_without_their_text_to_those_who_oversee(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        session_id = await served.session("bob")
        bob, olga, alice = [await served.client_of(user) for user in ("bob", "olga", "alice")]
        await send(served.core, "hold on", session_id)
        await until(scripted(served.core).held, "it runs")
        waiting = (await send(served.core, SECRET, session_id)).accepted.message_id
        own = (await bob.get("/api/messages")).json()["messages"]
        assert [(one["text"], one["state"]) for one in own] == [(SECRET, "pending"), ("hold on", "running")]
        assert (own[0]["message_id"], own[0]["session_id"], own[0]["project"]) == (waiting, session_id, "site")
        assert (own[0]["started_at"], own[0]["waits_on"]) == (None, [])
        for overseer in (olga, alice):
            seen = (await overseer.get("/api/messages", params={"limit": 1})).json()
            assert [(one["user_id"], one["text"]) for one in seen["messages"]] == [("bob", "")]
            rest = (await overseer.get("/api/messages", params={"from": seen["next"], "state": "running"})).json()
            assert ([one["state"] for one in rest["messages"]], rest["next"]) == (["running"], None)
        for missing in ("state=completed", "channel=mail", "project=vault", "user_id=alice"):
            assert (await olga.get(f"/api/messages?{missing}")).json()["messages"] == [], missing
        assert refusal(await bob.get("/api/messages?user_id=alice"))[:2] == (404, "user_not_found")
        assert (await bob.get("/api/messages?state=odd")).status_code == 422
        scripted(served.core).release()


async def test_replies_are_listed_to_their_recipient_and_to_those_who_oversee(served: Served) -> None:
    reply = Reply(channel="mail", to=Address(kind="mail", value="alice@example.com"))
    for number in range(3):
        draft = OutboxDraft(id=OutboxId(f"r{number}"), reply=reply, text=SECRET)
        await served.core.store.outbox.add(draft, user_id=UserId("bob"), now_ms=now_ms())
    await served.core.store.outbox.dead(OutboxId("r1"), "it cannot be composed", now_ms=now_ms())
    bob, olga, alice = [await served.client_of(user) for user in ("bob", "olga", "alice")]
    for client in (bob, olga, alice):
        answer = await client.get("/api/outbox", params={"limit": 2, "channel": "mail"})
        assert SECRET not in answer.text
        assert [one["reply_id"] for one in answer.json()["replies"]] == ["r2", "r1"]
        rest = (await client.get("/api/outbox", params={"from": answer.json()["next"]})).json()
        assert ([one["reply_id"] for one in rest["replies"]], rest["next"]) == (["r0"], None)
        (failed,) = (await client.get("/api/outbox?state=failed")).json()["replies"]
        assert (failed["state"], failed["reason"]) == ("dead", "it cannot be composed")
    assert (await alice.get("/api/outbox?user_id=alice")).json() == {"replies": [], "next": None}
    assert refusal(await bob.get("/api/outbox?user_id=alice"))[:2] == (404, "user_not_found")
