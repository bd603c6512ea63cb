"""REST on replies that do not leave."""

from __future__ import annotations

from pathlib import Path

from supervisor.delivery.trouble import LATE_MS
from supervisor.protocol.messages import Address, OutboxId, Reply, UserId
from supervisor.protocol.times import now_ms
from supervisor.store.records.outbox import OutboxDraft
from tests.supervisor.wires.http.serving import Served


async def test_late_replies_and_those_given_up_are_listed_to_operators_and_their_recipient(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        outbox, now = served.core.store.outbox, now_ms()
        reply = Reply(channel="mail", to=Address(kind="mail", value="alice@example.com"))
        for number, accepted_ms in (("dead", now), ("late", now - 2 * LATE_MS), ("next", now - LATE_MS), ("new", now)):
            draft = OutboxDraft(id=OutboxId(number), reply=reply, text="hello")
            await outbox.add(draft, user_id=UserId("alice"), now_ms=accepted_ms)
        await outbox.dead(OutboxId("dead"), "it cannot be composed", now_ms=now)
        found = (await served.operator.get("/api/replies")).json()["replies"]
        assert [(one["reply_id"], one["state"], one["reason"]) for one in found] == [
            ("late", "pending", ""),
            ("dead", "dead", "it cannot be composed"),
        ]
        assert (found[0]["channel"], found[0]["user_id"], found[0]["attempts"]) == ("mail", "alice", 0)
        alice, bob = await served.client_of("alice"), await served.client_of("bob")
        assert (await alice.get("/api/replies")).json()["replies"] == found
        assert (await bob.get("/api/replies")).json() == {"replies": []}
