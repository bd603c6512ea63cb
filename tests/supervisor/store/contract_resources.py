"""The contract of the store, part: one node that lives owns a resource."""

from __future__ import annotations

import asyncio

from supervisor.protocol.messages import Address, OutboxId, Reply
from supervisor.store import Store
from supervisor.store.ports.cluster.resources import OF_CHANNEL
from tests.supervisor.store.builders import NOW, draft
from tests.supervisor.store.contract_base import ContractBase, Opener

SMS = f"{OF_CHANNEL}sms"


class ResourcesContract(ContractBase):
    """Resources of this node, and of one that is gone."""

    async def test_a_resource_is_claimed_again_and_released(self, store: Store) -> None:
        assert await store.resources.claim("project/shop", now_ms=NOW)
        assert await store.resources.claim("project/shop", now_ms=NOW)
        assert await store.resources.owner("project/shop") is None
        assert await store.resources.of_others() == set()
        await store.resources.release("project/shop")
        await store.resources.release("project/shop")
        assert await store.resources.claim("project/shop", now_ms=NOW)

    async def test_the_resource_of_a_node_that_is_gone_is_free(self, opener: Opener) -> None:
        first = await opener()
        assert await first.resources.claim("project/shop", now_ms=NOW)
        await first.close()
        second = await opener()
        assert await second.resources.owner("project/shop") is None
        assert await second.resources.of_others() == set()
        assert await second.resources.claim("project/shop", now_ms=NOW)
        await second.close()


async def check_that_one_of_two_claims(one: Store, two: Store) -> None:
    """Check that two nodes that live never own the same resource."""
    for number in range(20):
        resource = f"project/{number}"
        first, second = await asyncio.gather(
            one.resources.claim(resource, now_ms=NOW), two.resources.claim(resource, now_ms=NOW)
        )
        assert first != second
        owner, other = (one, two) if first else (two, one)
        assert await other.resources.owner(resource) == owner.epoch
        assert resource in await other.resources.of_others()
        await other.resources.release(resource)
        assert not await other.resources.claim(resource, now_ms=NOW)
        await owner.resources.release(resource)
        assert await other.resources.claim(resource, now_ms=NOW)


async def check_that_replies_go_with_their_channel(one: Store, two: Store) -> None:
    """Check that who releases a channel leaves its replies to who claims it next."""
    for outbox_id, phone in (("unknown", "+15550100"), ("put back", "+15550101"), ("mail", "")):
        channel = "mail" if outbox_id == "mail" else "sms"
        reply = Reply(channel=channel, to=Address(kind=channel, value=phone))
        await one.outbox.add(draft(outbox_id, reply=reply), user_id=None, now_ms=NOW)
        assert await one.outbox.begin(OutboxId(outbox_id), now_ms=NOW)
    assert await one.outbox.retry(OutboxId("put back"), "away", not_before_ms=NOW + 3_600_000, count=True)
    assert await one.resources.claim(SMS, now_ms=NOW)
    await two.resources.release(SMS)
    assert await two.outbox.sending("sms") == []
    assert await two.outbox.due("sms", now_ms=NOW, limit=9) == []
    await one.resources.release(SMS)
    assert [row.id for row in await two.outbox.sending("sms")] == ["unknown"]
    # The attempt that is made at once does not count.
    due = await two.outbox.due("sms", now_ms=NOW, limit=9)
    assert [(row.id, row.attempts) for row in due] == [("put back", 0)]
    assert await two.outbox.sending("mail") == []
